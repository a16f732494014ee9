package dev.ipse.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.ipse.v1.AccountServiceGrpc;
import dev.ipse.v1.AuthServiceGrpc;
import dev.ipse.v1.ExchangeApiKeyRequest;
import dev.ipse.v1.FactorServiceGrpc;
import dev.ipse.v1.GetMeRequest;
import dev.ipse.v1.GetMeResponse;
import dev.ipse.v1.LoginRequest;
import dev.ipse.v1.LogoutRequest;
import dev.ipse.v1.RefreshRequest;
import dev.ipse.v1.TokenServiceGrpc;
import dev.ipse.v1.Tokens;
import io.grpc.CallCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.function.Executable;

/** The service as a Java program calls it. */
final class Ipse implements AutoCloseable {
    static final String ISSUER = System.getenv("IPSE_ISSUER");
    static final String AUDIENCE = System.getenv("IPSE_AUDIENCE");
    private static final String PASSWORD = System.getenv("IPSE_PASSWORD");
    private static final long BOUND_SECONDS = 15;

    private final ManagedChannel channel =
            Grpc.newChannelBuilder(System.getenv("IPSE_TARGET"), InsecureChannelCredentials.create()).build();

    AuthServiceGrpc.AuthServiceBlockingStub auth() {
        return AuthServiceGrpc.newBlockingStub(channel).withDeadlineAfter(BOUND_SECONDS, TimeUnit.SECONDS);
    }

    AccountServiceGrpc.AccountServiceBlockingStub account() {
        return AccountServiceGrpc.newBlockingStub(channel).withDeadlineAfter(BOUND_SECONDS, TimeUnit.SECONDS);
    }

    FactorServiceGrpc.FactorServiceBlockingStub factors(Tokens tokens) {
        return FactorServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(BOUND_SECONDS, TimeUnit.SECONDS)
                .withCallCredentials(bearer(tokens.getAccessToken()));
    }

    TokenServiceGrpc.TokenServiceBlockingStub tokens() {
        return TokenServiceGrpc.newBlockingStub(channel).withDeadlineAfter(BOUND_SECONDS, TimeUnit.SECONDS);
    }

    /** The credentials of a service that may watch revocations. */
    CallCredentials service() {
        ExchangeApiKeyRequest request = ExchangeApiKeyRequest.newBuilder()
                .setApiKey(System.getenv("IPSE_API_KEY"))
                .build();
        return bearer(tokens().exchangeApiKey(request).getAccessToken());
    }

    /** Tokens for the service that the tests stand for. */
    Tokens signIn() {
        return signIn(AUDIENCE);
    }

    /** Tokens for a service, or without a name for Ipse itself. */
    Tokens signIn(String audience) {
        LoginRequest request = LoginRequest.newBuilder()
                .setIdentifier(System.getenv("IPSE_PERSON"))
                .setPassword(PASSWORD)
                .setAudience(audience)
                .build();
        return auth().login(request).getTokens();
    }

    GetMeResponse me(Tokens tokens) {
        return account()
                .withCallCredentials(bearer(tokens.getAccessToken()))
                .getMe(GetMeRequest.getDefaultInstance());
    }

    Tokens refresh(Tokens tokens) {
        RefreshRequest request = RefreshRequest.newBuilder()
                .setRefreshToken(tokens.getRefreshToken())
                .build();
        return auth().refresh(request).getTokens();
    }

    void logOut(Tokens tokens) {
        auth().logout(LogoutRequest.newBuilder()
                .setRefreshToken(tokens.getRefreshToken())
                .build());
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    private static CallCredentials bearer(String token) {
        return new CallCredentials() {
            @Override
            public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
                Metadata metadata = new Metadata();
                metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
                applier.apply(metadata);
            }
        };
    }

    /** Why a call was refused. */
    record Refusal(String reason, List<String> fields) {}

    static Refusal refused(io.grpc.Status.Code code, Executable call) throws InvalidProtocolBufferException {
        Status status = StatusProto.fromThrowable(assertThrows(StatusRuntimeException.class, call));
        assertEquals(code.value(), status.getCode(), status.getMessage());
        ErrorInfo info = detail(status, ErrorInfo.class);
        assertEquals("ipse.v1", info.getDomain());
        BadRequest request = detail(status, BadRequest.class);
        List<String> fields = request == null
                ? List.of()
                : request.getFieldViolationsList().stream()
                        .map(BadRequest.FieldViolation::getField)
                        .sorted()
                        .toList();
        return new Refusal(info.getReason(), fields);
    }

    private static <T extends Message> T detail(Status status, Class<T> type) throws InvalidProtocolBufferException {
        for (com.google.protobuf.Any detail : status.getDetailsList()) {
            if (detail.is(type)) {
                return detail.unpack(type);
            }
        }
        return null;
    }
}
