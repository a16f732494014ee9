// Package guard lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it
// knows the keys that sign tokens, and hears of what has been revoked.
package guard

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	ipsev1 "example.com/orders/gen/ipse/v1"
)

// How long the stream of revocations may be silent before no token is trusted. It says every second that it is alive.
const patience = 3 * time.Second

var errInvalid = status.Error(codes.Unauthenticated, "the access token is missing or not valid")

// Claims are what a valid token says.
type Claims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
}

// Guard checks access tokens.
type Guard struct {
	keys    jwt.Keyfunc
	parser  *jwt.Parser
	mu      sync.RWMutex
	revoked map[string]*ipsev1.WatchRevocationsResponse // by the id of the session, subject, token or key
	current time.Time                                   // when `revoked` was complete last
}

// New makes a guard for the tokens of an issuer for an audience. It trusts none until Watch runs.
func New(ctx context.Context, jwksURL, issuer, audience string) (*Guard, error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{jwksURL})
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired())
	return &Guard{keys: keys.Keyfunc, parser: parser, revoked: map[string]*ipsev1.WatchRevocationsResponse{}}, nil
}

// Check returns what a token says if it is valid, and a gRPC status if not.
func (g *Guard) Check(token string) (*Claims, error) {
	if g.stale() {
		return nil, status.Error(codes.Unavailable, "it is not known at the moment which tokens are revoked")
	}
	claims := &Claims{}
	parsed, err := g.parser.ParseWithClaims(token, claims, g.keys)
	if err != nil {
		return nil, errInvalid
	}
	typ, _ := parsed.Header["typ"].(string)
	kid, _ := parsed.Header["kid"].(string)
	ids := []string{claims.SessionID, claims.ID, kid, claims.Subject}
	if !strings.EqualFold(typ, "at+jwt") || claims.IssuedAt == nil || slices.Contains(ids, "") || g.gone(ids, claims.IssuedAt.Unix()) {
		return nil, errInvalid
	}
	return claims, nil
}

func (g *Guard) stale() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return time.Since(g.current) > patience
}

func (g *Guard) gone(ids []string, issued int64) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return slices.ContainsFunc(ids, func(id string) bool {
		entry := g.revoked[id]
		return entry != nil && (entry.RevokedBefore == nil || issued <= entry.RevokedBefore.Seconds)
	})
}

type claimsKey struct{}

// Caller returns the claims of the caller, within a call that was let in.
func Caller(ctx context.Context) *Claims { return ctx.Value(claimsKey{}).(*Claims) }

func (g *Guard) admit(ctx context.Context) (context.Context, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) != 1 || !strings.HasPrefix(values[0], "Bearer ") {
		return nil, errInvalid
	}
	claims, err := g.Check(strings.TrimPrefix(values[0], "Bearer "))
	return context.WithValue(ctx, claimsKey{}, claims), err
}

// Unary is the interceptor for calls with one request and one response.
func (g *Guard) Unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := g.admit(ctx)
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

type admitted struct {
	grpc.ServerStream
	ctx context.Context
}

func (s admitted) Context() context.Context { return s.ctx }

// Stream is the interceptor for all other calls.
func (g *Guard) Stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := g.admit(stream.Context())
	if err != nil {
		return err
	}
	return next(srv, admitted{stream, ctx})
}
