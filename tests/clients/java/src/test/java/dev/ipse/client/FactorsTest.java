package dev.ipse.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.ipse.client.Ipse.Refusal;
import dev.ipse.v1.BeginTotpRequest;
import dev.ipse.v1.BeginTotpResponse;
import dev.ipse.v1.CompleteMfaRequest;
import dev.ipse.v1.ConfirmTotpRequest;
import dev.ipse.v1.ConfirmTotpResponse;
import dev.ipse.v1.FactorKind;
import dev.ipse.v1.GetMeResponse;
import dev.ipse.v1.LoginRequest;
import dev.ipse.v1.MfaChallenge;
import dev.ipse.v1.RegisterRequest;
import dev.ipse.v1.Tokens;
import io.grpc.Status.Code;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Signing in with an authenticator app. */
class FactorsTest {
    private static final String PASSWORD = "correct horse battery staple";

    private final Ipse ipse = new Ipse();

    @AfterEach
    void close() {
        ipse.close();
    }

    /** What an authenticator app shows so many spans of 30 seconds after the present one (RFC 6238). */
    private static String totp(String secret, int ahead) throws Exception {
        BigInteger bits = BigInteger.ONE;
        for (char character : secret.toCharArray()) {
            bits = bits.shiftLeft(5).add(BigInteger.valueOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(character)));
        }
        byte[] marked = bits.toByteArray(); // a first byte of 1 keeps zeros that follow
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(marked, 1, marked.length - 1, "HmacSHA1"));
        long step = System.currentTimeMillis() / 30_000 + ahead;
        ByteBuffer digest = ByteBuffer.wrap(mac.doFinal(ByteBuffer.allocate(8).putLong(step).array()));
        int number = digest.getInt(digest.get(19) & 15) & 0x7fffffff;
        return "%06d".formatted(number % 1_000_000);
    }

    @Test
    void aPersonSignsInWithAnApp() throws Exception {
        String email = UUID.randomUUID() + "@example.com";
        RegisterRequest signUp =
                RegisterRequest.newBuilder().setEmail(email).setPassword(PASSWORD).build();
        ipse.auth().register(signUp);
        LoginRequest login = LoginRequest.newBuilder()
                .setIdentifier(email)
                .setPassword(PASSWORD)
                .build();
        Tokens first = ipse.auth().login(login).getTokens();

        BeginTotpResponse begun = ipse.factors(first).beginTotp(BeginTotpRequest.getDefaultInstance());
        String code = totp(begun.getSecret(), 0);
        ConfirmTotpResponse confirmed = ipse.factors(first)
                .confirmTotp(ConfirmTotpRequest.newBuilder()
                        .setFactorId(begun.getFactorId())
                        .setCode(code)
                        .build());
        assertEquals(FactorKind.FACTOR_KIND_TOTP, confirmed.getFactor().getKind());
        assertEquals(10, confirmed.getRecoveryCodesCount());

        MfaChallenge asked = ipse.auth().login(login).getMfaChallenge();
        CompleteMfaRequest.Builder answer =
                CompleteMfaRequest.newBuilder().setChallengeToken(asked.getChallengeToken());
        CompleteMfaRequest used = answer.setTotpCode(code).build();
        Refusal refusal = Ipse.refused(Code.UNAUTHENTICATED, () -> ipse.auth().completeMfa(used));
        assertEquals(new Refusal("MFA_CODE_INVALID", List.of()), refusal);
        CompleteMfaRequest next = answer.setTotpCode(totp(begun.getSecret(), 1)).build();
        GetMeResponse me = ipse.me(ipse.auth().completeMfa(next).getTokens());
        assertEquals("urn:ipse:aal:2", me.getSession().getAcr());
        assertTrue(me.getUser().getMfaEnabled());
    }
}
