package client

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	ipsev1 "example.com/orders/gen/ipse/v1"
)

// stream is one of revocations that a test reads by itself.
type stream struct {
	messages ipsev1.TokenService_WatchRevocationsClient
	resume   string
	close    context.CancelFunc
}

func watch(ctx context.Context, t *testing.T, ipse client, resume string) *stream {
	t.Helper()
	watcher, err := ipse.tokens.ExchangeApiKey(ctx, &ipsev1.ExchangeApiKeyRequest{ApiKey: os.Getenv("IPSE_API_KEY")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bearer(ctx, watcher.AccessToken))
	t.Cleanup(cancel)
	messages, err := ipse.tokens.WatchRevocations(ctx, &ipsev1.WatchRevocationsRequest{ResumeToken: resume})
	if err != nil {
		t.Fatal(err)
	}
	return &stream{messages, resume, cancel}
}

// next is the next message, whose resume token is kept.
func (s *stream) next(t *testing.T) *ipsev1.WatchRevocationsResponse {
	t.Helper()
	message, err := s.messages.Recv()
	if err != nil {
		t.Fatal(err)
	}
	s.resume = message.ResumeToken
	return message
}

// sessions are those that the stream tells of before it says that this was all.
func (s *stream) sessions(t *testing.T) (ids []string) {
	t.Helper()
	for {
		message := s.next(t)
		if message.Revoked == nil {
			return ids
		}
		if id := message.GetSessionId(); id != "" {
			ids = append(ids, id)
		}
	}
}

func TestARevocationArrivesWithinASecond(t *testing.T) {
	ctx, ipse := connect(t)
	tokens := ipse.signIn(ctx, t)
	stream := watch(ctx, t, ipse, "")
	stream.sessions(t)

	begin := time.Now()
	ipse.logOut(ctx, t, tokens)
	for stream.next(t).GetSessionId() != tokens.SessionId {
	}
	if passed := time.Since(begin); passed > promised {
		t.Errorf("it took %v", passed)
	}
}

func TestAWatchGoesOnWithoutLoss(t *testing.T) {
	ctx, ipse := connect(t)
	before, meanwhile := ipse.signIn(ctx, t), ipse.signIn(ctx, t)
	ipse.logOut(ctx, t, before)
	stream := watch(ctx, t, ipse, "")
	if !slices.Contains(stream.sessions(t), before.SessionId) {
		t.Error("the session that ended before is missing")
	}
	stream.close()

	ipse.logOut(ctx, t, meanwhile)
	if !slices.Contains(watch(ctx, t, ipse, stream.resume).sessions(t), meanwhile.SessionId) {
		t.Error("the session that ended meanwhile is missing")
	}
}
