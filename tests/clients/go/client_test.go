// Package client calls the service with the client that protoc generates for Go, as a Go service would.
package client

import (
	"context"
	"os"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	ipsev1 "example.com/orders/gen/ipse/v1"
)

const (
	bound    = 15 * time.Second // of what must happen, but not at any speed
	promised = time.Second      // within which a revocation arrives
)

type client struct {
	auth    ipsev1.AuthServiceClient
	account ipsev1.AccountServiceClient
	factors ipsev1.FactorServiceClient
	tokens  ipsev1.TokenServiceClient
}

func connect(t *testing.T) (context.Context, client) {
	t.Helper()
	connection, err := grpc.NewClient(os.Getenv("IPSE_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	t.Cleanup(cancel)
	return ctx, client{
		ipsev1.NewAuthServiceClient(connection),
		ipsev1.NewAccountServiceClient(connection),
		ipsev1.NewFactorServiceClient(connection),
		ipsev1.NewTokenServiceClient(connection),
	}
}

// signIn yields tokens for the service that the tests stand for.
func (c client) signIn(ctx context.Context, t *testing.T) *ipsev1.Tokens {
	t.Helper()
	return c.signInFor(ctx, t, os.Getenv("IPSE_AUDIENCE"))
}

// signInFor yields tokens for a service, or without a name for Ipse itself.
func (c client) signInFor(ctx context.Context, t *testing.T, audience string) *ipsev1.Tokens {
	t.Helper()
	response, err := c.auth.Login(ctx, &ipsev1.LoginRequest{
		Identifier: os.Getenv("IPSE_PERSON"), Password: os.Getenv("IPSE_PASSWORD"), Audience: audience,
	})
	if err != nil {
		t.Fatal(err)
	}
	return response.GetTokens()
}

func (c client) refresh(ctx context.Context, t *testing.T, token string) *ipsev1.Tokens {
	t.Helper()
	response, err := c.auth.Refresh(ctx, &ipsev1.RefreshRequest{RefreshToken: token})
	if err != nil {
		t.Fatal(err)
	}
	return response.Tokens
}

func (c client) logOut(ctx context.Context, t *testing.T, tokens *ipsev1.Tokens) {
	t.Helper()
	if _, err := c.auth.Logout(ctx, &ipsev1.LogoutRequest{RefreshToken: tokens.RefreshToken}); err != nil {
		t.Fatal(err)
	}
}

func bearer(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// refused returns the reason and the fields that an error names.
func refused(t *testing.T, err error, code codes.Code) (reason string, fields []string) {
	t.Helper()
	refusal := status.Convert(err)
	if refusal.Code() != code {
		t.Fatalf("%v, not %v: %v", refusal.Code(), code, err)
	}
	for _, detail := range refusal.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if reason = detail.Reason; detail.Domain != "ipse.v1" {
				t.Errorf("the domain of the error is %q", detail.Domain)
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations {
				fields = append(fields, violation.Field)
			}
		}
	}
	return reason, fields
}
