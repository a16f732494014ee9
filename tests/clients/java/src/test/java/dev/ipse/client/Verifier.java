package dev.ipse.client;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.BadJWTException;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import dev.ipse.v1.WatchRevocationsResponse;
import java.net.URI;
import java.text.ParseException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** Checks access tokens with the key set of the HTTP port and what it has been told of revocations. */
final class Verifier {
    private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
    private final Map<String, WatchRevocationsResponse> revoked = new ConcurrentHashMap<>();

    Verifier(String issuer, String audience) throws Exception {
        var keys = JWKSourceBuilder.create(URI.create(System.getenv("IPSE_JWKS_URL")).toURL()).build();
        processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
        processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.ES256, keys));
        var required = Set.of("sub", "sid", "jti", "iat", "exp");
        var claims = new DefaultJWTClaimsVerifier<SecurityContext>(
                audience, new JWTClaimsSet.Builder().issuer(issuer).build(), required);
        claims.setMaxClockSkew(0); // a revocation is forgotten when its tokens have expired
        processor.setJWTClaimsSetVerifier(claims);
    }

    JWTClaimsSet check(String token) throws ParseException, BadJOSEException, JOSEException {
        SignedJWT jwt = SignedJWT.parse(token);
        JWTClaimsSet claims = processor.process(jwt, null);
        long issued = claims.getIssueTime().toInstant().getEpochSecond();
        String kid = jwt.getHeader().getKeyID();
        boolean gone = Stream.of(claims.getStringClaim("sid"), claims.getJWTID(), kid, claims.getSubject())
                .map(revoked::get)
                .anyMatch(entry -> entry != null
                        && (!entry.hasRevokedBefore() || issued <= entry.getRevokedBefore().getSeconds()));
        if (gone) {
            throw new BadJWTException("revoked");
        }
        return claims;
    }

    void learn(WatchRevocationsResponse message) {
        switch (message.getRevokedCase()) {
            case SESSION_ID -> revoked.put(message.getSessionId(), message);
            case SUBJECT -> revoked.put(message.getSubject(), message);
            case TOKEN_ID -> revoked.put(message.getTokenId(), message);
            case KEY_ID -> revoked.put(message.getKeyId(), message);
            case REVOKED_NOT_SET -> {}
        }
    }
}
