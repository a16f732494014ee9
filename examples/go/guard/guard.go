// Package guard lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it
// has the keys that sign tokens, and knows what has been revoked.
package guard

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The levels of a sign-in, as tokens tell them: two factors; and one of somebody who must have two and has not.
const (
	AAL2      = "urn:ipse:aal:2"
	enrolment = "urn:ipse:aal:0"
)

var (
	errInvalid = status.Error(codes.Unauthenticated, "the access token is missing or not valid")
	errUnknown = status.Error(codes.Unavailable, "it is not known at the moment which tokens are revoked")
)

// Claims are what a valid token says.
type Claims struct {
	jwt.RegisteredClaims
	SessionID string           `json:"sid"`
	ACR       string           `json:"acr"`
	AuthTime  *jwt.NumericDate `json:"auth_time"`
}

// RequireSignIn returns a gRPC status for a caller who did not sign in at this level, or did so longer ago. The client
// has the person prove it again, for what the error names, and comes back with the new token (RFC 9470).
func (c *Claims) RequireSignIn(acr string, maxAge time.Duration) error {
	if c.ACR == acr && c.AuthTime != nil && time.Since(c.AuthTime.Time) <= maxAge {
		return nil
	}
	seconds := strconv.Itoa(int(maxAge.Seconds()))
	refused, err := status.New(codes.Unauthenticated, "this takes a fresh sign-in with a second factor").WithDetails(
		&errdetails.ErrorInfo{
			Reason: "STEP_UP_REQUIRED", Domain: "orders.v1",
			Metadata: map[string]string{"acr_values": acr, "max_age": seconds},
		})
	if err != nil {
		return err
	}
	return refused.Err()
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
	if !strings.EqualFold(typ, "at+jwt") || claims.IssuedAt == nil || slices.Contains(ids, "") || claims.ACR == enrolment {
		return nil, errInvalid
	}
	if revoked, known := g.Revoked.Include(ids, claims.IssuedAt.Unix()); !known {
		return nil, errUnknown
	} else if revoked {
		return nil, errInvalid
	}
	return claims, nil
}
