package dev.ipse.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.BadJWTException;
import dev.ipse.v1.Tokens;
import dev.ipse.v1.WatchRevocationsRequest;
import dev.ipse.v1.WatchRevocationsResponse;
import dev.ipse.v1.WatchRevocationsResponse.RevokedCase;
import io.grpc.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a service does with the tokens of its callers. */
class TrustTest {
    private static final Duration PROMISED = Duration.ofSeconds(1);

    private final Ipse ipse = new Ipse();

    @AfterEach
    void close() {
        ipse.close();
    }

    @Test
    void aTokenIsVerifiedOffline() throws Exception {
        Tokens tokens = ipse.signIn();
        JWTClaimsSet claims = new Verifier(Ipse.ISSUER, Ipse.AUDIENCE).check(tokens.getAccessToken());
        assertEquals(ipse.me(ipse.signIn("")).getUser().getId(), claims.getSubject());
        assertEquals(tokens.getSessionId(), claims.getStringClaim("sid"));
        assertEquals(
                tokens.getAccessExpireTime().getSeconds(),
                claims.getExpirationTime().toInstant().getEpochSecond());
    }

    @Test
    void noTamperedTokenIsTrusted() throws Exception {
        Verifier verifier = new Verifier(Ipse.ISSUER, Ipse.AUDIENCE);
        String token = ipse.signIn().getAccessToken();
        verifier.check(token);
        for (int at = 0; at < token.length(); at++) {
            // So different that it shows even where the last bits of a part say nothing.
            char other = token.charAt(at) < 'E' ? 'Z' : 'A';
            String tampered = token.substring(0, at) + other + token.substring(at + 1);
            Exception refusal = assertThrows(Exception.class, () -> verifier.check(tampered), "character " + at);
            assertFalse(refusal instanceof RuntimeException, () -> "not refused but broken by " + tampered);
        }
    }

    @Test
    void aTokenOfAnotherIssuerOrForAnotherAudienceIsNotTrusted() throws Exception {
        String token = ipse.signIn().getAccessToken();
        Verifier other = new Verifier("https://other.example", Ipse.AUDIENCE);
        assertThrows(BadJOSEException.class, () -> other.check(token));
        Verifier billing = new Verifier(Ipse.ISSUER, "billing");
        assertThrows(BadJOSEException.class, () -> billing.check(token));
    }

    @Test
    void aRevocationArrivesWithinASecond() throws Exception {
        Verifier verifier = new Verifier(Ipse.ISSUER, Ipse.AUDIENCE);
        Tokens tokens = ipse.signIn();
        Iterator<WatchRevocationsResponse> stream = watch("");
        snapshot(stream);
        verifier.check(tokens.getAccessToken());

        Instant begin = Instant.now();
        ipse.logOut(tokens);
        WatchRevocationsResponse message;
        do {
            message = stream.next();
        } while (!message.getSessionId().equals(tokens.getSessionId()));
        Duration passed = Duration.between(begin, Instant.now());
        assertTrue(passed.compareTo(PROMISED) < 0, () -> "it took " + passed);

        verifier.learn(message);
        assertThrows(BadJWTException.class, () -> verifier.check(tokens.getAccessToken()));
    }

    @Test
    void aWatchGoesOnWithoutLoss() {
        Tokens before = ipse.signIn();
        Tokens meanwhile = ipse.signIn();
        ipse.logOut(before);
        String[] resume = new String[1];
        Context.CancellableContext connection = Context.current().withCancellation();
        connection.run(() -> {
            Snapshot snapshot = snapshot(watch(""));
            assertTrue(snapshot.sessions().contains(before.getSessionId()));
            resume[0] = snapshot.resumeToken();
        });
        connection.cancel(null);

        ipse.logOut(meanwhile);
        assertTrue(snapshot(watch(resume[0])).sessions().contains(meanwhile.getSessionId()));
    }

    private Iterator<WatchRevocationsResponse> watch(String resumeToken) {
        WatchRevocationsRequest request = WatchRevocationsRequest.newBuilder()
                .setResumeToken(resumeToken)
                .build();
        return ipse.tokens().withCallCredentials(ipse.service()).watchRevocations(request);
    }

    private record Snapshot(Set<String> sessions, String resumeToken) {}

    /** What the stream tells of before it says that this was all. */
    private static Snapshot snapshot(Iterator<WatchRevocationsResponse> stream) {
        Set<String> sessions = new HashSet<>();
        while (true) {
            WatchRevocationsResponse message = stream.next();
            if (message.getRevokedCase() == RevokedCase.REVOKED_NOT_SET) {
                return new Snapshot(sessions, message.getResumeToken());
            }
            sessions.add(message.getSessionId());
        }
    }
}
