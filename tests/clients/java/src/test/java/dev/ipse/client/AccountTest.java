package dev.ipse.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.ipse.client.Ipse.Refusal;
import dev.ipse.v1.ErrorReason;
import dev.ipse.v1.GetMeRequest;
import dev.ipse.v1.GetMeResponse;
import dev.ipse.v1.RegisterRequest;
import dev.ipse.v1.Tokens;
import dev.ipse.v1.UserState;
import io.grpc.Status.Code;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a program does for a person. */
class AccountTest {
    private final Ipse ipse = new Ipse();

    @AfterEach
    void close() {
        ipse.close();
    }

    @Test
    void signInLookAndRefresh() {
        Tokens first = ipse.signIn("");
        GetMeResponse me = ipse.me(first);
        assertEquals(UserState.USER_STATE_ACTIVE, me.getUser().getState());
        assertEquals(first.getSessionId(), me.getSession().getId());

        Tokens second = ipse.refresh(first);
        assertNotEquals(first.getRefreshToken(), second.getRefreshToken());
        assertEquals(first.getSessionId(), second.getSessionId());
        // As after a lost answer: within the grace the old token yields the same successor.
        assertEquals(second.getRefreshToken(), ipse.refresh(first).getRefreshToken());
        assertEquals(me.getUser(), ipse.me(second).getUser());
    }

    @Test
    void anErrorHasAReason() throws Exception {
        Refusal refusal =
                Ipse.refused(Code.UNAUTHENTICATED, () -> ipse.account().getMe(GetMeRequest.getDefaultInstance()));
        assertEquals(
                ErrorReason.ERROR_REASON_TOKEN_MISSING, ErrorReason.valueOf("ERROR_REASON_" + refusal.reason()));
    }

    @Test
    void wrongFieldsAreNamedAllAtOnce() throws Exception {
        RegisterRequest request = RegisterRequest.newBuilder()
                .setEmail("nobody")
                .setPassword("a long enough password")
                .setUsername("?")
                .build();
        Refusal refusal = Ipse.refused(Code.INVALID_ARGUMENT, () -> ipse.auth().register(request));
        assertEquals(new Refusal("FIELD_INVALID", List.of("email", "username")), refusal);
    }
}
