package guard

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

type claimsKey struct{}

// Caller returns the claims of the caller, within a call that was let in.
func Caller(ctx context.Context) *Claims { return ctx.Value(claimsKey{}).(*Claims) }

func (g *Guard) admit(ctx context.Context) (context.Context, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) != 1 {
		return nil, errInvalid
	}
	// One or more spaces follow the scheme, which has no case (RFC 9110, section 11.4).
	scheme, token, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return nil, errInvalid
	}
	claims, err := g.Check(ctx, strings.TrimLeft(token, " "))
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
