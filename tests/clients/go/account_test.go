package client

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	ipsev1 "example.com/orders/gen/ipse/v1"
)

func TestSignInLookAndRefresh(t *testing.T) {
	ctx, ipse := connect(t)
	first := ipse.signInFor(ctx, t, "")
	me, err := ipse.account.GetMe(bearer(ctx, first.AccessToken), &ipsev1.GetMeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if me.User.State != ipsev1.UserState_USER_STATE_ACTIVE || me.Session.Id != first.SessionId {
		t.Errorf("GetMe answered %v", me)
	}

	second := ipse.refresh(ctx, t, first.RefreshToken)
	if second.RefreshToken == first.RefreshToken || second.SessionId != first.SessionId {
		t.Error("a refresh has to bring a new token of the same session")
	}
	// As after a lost answer: within the grace the old token yields the same successor.
	if again := ipse.refresh(ctx, t, first.RefreshToken); again.RefreshToken != second.RefreshToken {
		t.Error("the repeat of a refresh has to bring the same successor")
	}
	if _, err := ipse.account.GetMe(bearer(ctx, second.AccessToken), &ipsev1.GetMeRequest{}); err != nil {
		t.Error(err)
	}
}

func TestAnErrorHasAReason(t *testing.T) {
	ctx, ipse := connect(t)
	_, err := ipse.account.GetMe(ctx, &ipsev1.GetMeRequest{})
	if reason, _ := refused(t, err, codes.Unauthenticated); reason != "TOKEN_MISSING" {
		t.Errorf("the reason is %q", reason)
	}
	if _, known := ipsev1.ErrorReason_value["ERROR_REASON_TOKEN_MISSING"]; !known {
		t.Error("a reason is a name of the enum")
	}
}

func TestWrongFieldsAreNamedAllAtOnce(t *testing.T) {
	ctx, ipse := connect(t)
	request := &ipsev1.RegisterRequest{Email: "nobody", Password: "a long enough password", Username: "?"}
	_, err := ipse.auth.Register(ctx, request)
	reason, fields := refused(t, err, codes.InvalidArgument)
	slices.Sort(fields)
	if reason != "FIELD_INVALID" || !slices.Equal(fields, []string{"email", "username"}) {
		t.Errorf("refused with %q for %v", reason, fields)
	}
}
