package client

import (
	"context"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	ipsev1 "example.com/orders/gen/ipse/v1"
	"example.com/orders/guard"
)

// watching returns a guard, as services have it, that hears of revocations.
func watching(ctx context.Context, t *testing.T, ipse client) *guard.Guard {
	t.Helper()
	g := guarding(ctx, t, os.Getenv("IPSE_ISSUER"), os.Getenv("IPSE_AUDIENCE"))
	go g.Revoked.Watch(ctx, ipse.tokens, os.Getenv("IPSE_API_KEY"))
	token := ipse.signIn(ctx, t).AccessToken
	eventually(ctx, t, "the guard trusts tokens", func() bool { _, err := g.Check(ctx, token); return err == nil })
	return g
}

func guarding(ctx context.Context, t *testing.T, issuer, audience string) *guard.Guard {
	t.Helper()
	g, err := guard.New(ctx, os.Getenv("IPSE_JWKS_URL"), issuer, audience)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func eventually(ctx context.Context, t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}

func TestATokenIsVerifiedOffline(t *testing.T) {
	ctx, ipse := connect(t)
	g, tokens := watching(ctx, t, ipse), ipse.signIn(ctx, t)
	claims, err := g.Check(ctx, tokens.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	me, err := ipse.account.GetMe(bearer(ctx, ipse.signInFor(ctx, t, "").AccessToken), &ipsev1.GetMeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != me.User.Id || claims.SessionID != tokens.SessionId {
		t.Errorf("the claims are %v", claims)
	}
	if claims.ExpiresAt.Unix() != tokens.AccessExpireTime.Seconds {
		t.Errorf("expires at %v, not at %v", claims.ExpiresAt, tokens.AccessExpireTime.AsTime())
	}
}

func TestNoTamperedTokenIsTrusted(t *testing.T) {
	ctx, ipse := connect(t)
	g, token := watching(ctx, t, ipse), ipse.signIn(ctx, t).AccessToken
	if _, err := g.Check(ctx, token); err != nil {
		t.Fatal(err)
	}
	for at := range token {
		// So different that it shows even where the last bits of a part say nothing.
		changed := byte('A')
		if token[at] < 'E' {
			changed = 'Z'
		}
		if _, err := g.Check(ctx, token[:at]+string(changed)+token[at+1:]); status.Code(err) != codes.Unauthenticated {
			t.Errorf("with another character at %d: %v", at, err)
		}
	}
}

func TestATokenOfAnotherIssuerOrForAnotherAudienceIsNotTrusted(t *testing.T) {
	ctx, ipse := connect(t)
	token := ipse.signIn(ctx, t).AccessToken
	for _, g := range []*guard.Guard{
		guarding(ctx, t, "https://other.example", os.Getenv("IPSE_AUDIENCE")),
		guarding(ctx, t, os.Getenv("IPSE_ISSUER"), "billing"),
	} {
		if _, err := g.Check(ctx, token); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%v", err)
		}
	}
}

func TestNoTokenIsTrustedBeforeRevocationsAreKnown(t *testing.T) {
	ctx, ipse := connect(t)
	g := guarding(ctx, t, os.Getenv("IPSE_ISSUER"), os.Getenv("IPSE_AUDIENCE"))
	if _, err := g.Check(ctx, ipse.signIn(ctx, t).AccessToken); status.Code(err) != codes.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestALoggedOutTokenIsNotTrusted(t *testing.T) {
	ctx, ipse := connect(t)
	g, tokens := watching(ctx, t, ipse), ipse.signIn(ctx, t)
	if _, err := g.Check(ctx, tokens.AccessToken); err != nil {
		t.Fatal(err)
	}
	ipse.logOut(ctx, t, tokens)
	within, cancel := context.WithTimeout(ctx, promised)
	defer cancel()
	eventually(within, t, "the token is refused", func() bool {
		_, err := g.Check(ctx, tokens.AccessToken)
		return status.Code(err) == codes.Unauthenticated
	})
}
