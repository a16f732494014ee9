// Package guard lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it
// has the keys that sign tokens, and knows what has been revoked.
package guard

import (
	"context"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	errInvalid = status.Error(codes.Unauthenticated, "the access token is missing or not valid")
	errUnknown = status.Error(codes.Unavailable, "it is not known at the moment which tokens are revoked")
)

// Claims are what a valid token says.
type Claims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
}

// Guard checks the access tokens of an issuer for an audience.
type Guard struct {
	keys    keyfunc.Keyfunc
	parser  *jwt.Parser
	Revoked *Revocations
}

// New makes a guard, which trusts no token until its Revocations are watched.
func New(ctx context.Context, jwksURL, issuer, audience string) (*Guard, error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{jwksURL})
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired())
	return &Guard{keys, parser, &Revocations{entries: map[string]*message{}}}, err
}

// Check returns what a token says if it is valid, and a gRPC status if not.
func (g *Guard) Check(ctx context.Context, token string) (*Claims, error) {
	claims := &Claims{}
	parsed, err := g.parser.ParseWithClaims(token, claims, g.keys.KeyfuncCtx(ctx))
	if err != nil {
		return nil, errInvalid
	}
	typ, _ := parsed.Header["typ"].(string)
	kid, _ := parsed.Header["kid"].(string)
	ids := []string{claims.SessionID, claims.ID, kid, claims.Subject}
	if !strings.EqualFold(typ, "at+jwt") || claims.IssuedAt == nil || slices.Contains(ids, "") {
		return nil, errInvalid
	}
	if revoked, known := g.Revoked.Include(ids, claims.IssuedAt.Unix()); !known {
		return nil, errUnknown
	} else if revoked {
		return nil, errInvalid
	}
	return claims, nil
}
