package client

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	ipsev1 "example.com/orders/gen/ipse/v1"
)

// totp is what an authenticator app shows so many spans of 30 seconds after the present one (RFC 6238).
func totp(t *testing.T, secret string, ahead int64) string {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30+ahead)))
	sum := mac.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[19]&0xf:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}

func TestAPersonSignsInWithAnApp(t *testing.T) {
	ctx, ipse := connect(t)
	email, password := rand.Text()+"@example.com", "correct horse battery staple"
	if _, err := ipse.auth.Register(ctx, &ipsev1.RegisterRequest{Email: email, Password: password}); err != nil {
		t.Fatal(err)
	}
	login := &ipsev1.LoginRequest{Identifier: email, Password: password}
	first, err := ipse.auth.Login(ctx, login)
	if err != nil || first.GetTokens() == nil {
		t.Fatal(first, err)
	}

	as := bearer(ctx, first.GetTokens().AccessToken)
	begun, err := ipse.factors.BeginTotp(as, &ipsev1.BeginTotpRequest{DisplayName: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	confirm := &ipsev1.ConfirmTotpRequest{FactorId: begun.FactorId, Code: totp(t, begun.Secret, 0)}
	confirmed, err := ipse.factors.ConfirmTotp(as, confirm)
	if err != nil || confirmed.Factor.Kind != ipsev1.FactorKind_FACTOR_KIND_TOTP || len(confirmed.RecoveryCodes) != 10 {
		t.Fatal(confirmed, err)
	}

	asked, err := ipse.auth.Login(ctx, login)
	if err != nil || asked.GetMfaChallenge() == nil {
		t.Fatal(asked, err)
	}
	answer := &ipsev1.CompleteMfaRequest{
		ChallengeToken: asked.GetMfaChallenge().ChallengeToken,
		Proof:          &ipsev1.CompleteMfaRequest_TotpCode{TotpCode: confirm.Code},
	}
	_, err = ipse.auth.CompleteMfa(ctx, answer)
	if reason, _ := refused(t, err, codes.Unauthenticated); reason != "MFA_CODE_INVALID" {
		t.Errorf("a used code is refused with %q", reason)
	}
	answer.Proof = &ipsev1.CompleteMfaRequest_TotpCode{TotpCode: totp(t, begun.Secret, 1)}
	completed, err := ipse.auth.CompleteMfa(ctx, answer)
	if err != nil {
		t.Fatal(err)
	}
	me, err := ipse.account.GetMe(bearer(ctx, completed.Tokens.AccessToken), &ipsev1.GetMeRequest{})
	if err != nil || me.Session.Acr != "urn:ipse:aal:2" || !me.User.MfaEnabled {
		t.Errorf("GetMe answered %v, %v", me, err)
	}
}
