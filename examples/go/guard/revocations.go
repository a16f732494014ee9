package guard

import (
	"cmp"
	"context"
	"log"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"

	ipsev1 "example.com/orders/gen/ipse/v1"
)

// How long the stream may be silent before nothing is known any more. It says every second that it is alive.
const patience = 3 * time.Second

type message = ipsev1.WatchRevocationsResponse

// Revocations are what Ipse has revoked, heard from a stream. They know nothing until Watch runs.
type Revocations struct {
	lock    sync.RWMutex
	entries map[string]*message // by the id of the session, subject, token or key
	current time.Time           // when they were complete last
}

// Include tells whether a token with one of these ids that was issued then is revoked, and whether that is known.
func (r *Revocations) Include(ids []string, issued int64) (revoked, known bool) {
	r.lock.RLock()
	defer r.lock.RUnlock()
	revoked = slices.ContainsFunc(ids, func(id string) bool {
		entry := r.entries[id]
		return entry != nil && (entry.RevokedBefore == nil || issued <= entry.RevokedBefore.Seconds)
	})
	return revoked, time.Since(r.current) <= patience
}

// Watch hears of revocations until the context ends, as the service whose key this is. It holds the permission
// tokens.introspect. Watch continues where the stream broke off.
func (r *Revocations) Watch(ctx context.Context, ipse ipsev1.TokenServiceClient, apiKey string) {
	var resume ipsev1.WatchRevocationsRequest
	for ctx.Err() == nil {
		err := r.follow(ctx, ipse, apiKey, &resume)
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
			log.Printf("the stream of revocations broke off: %v", err)
		}
	}
}

func (r *Revocations) follow(
	ctx context.Context, ipse ipsev1.TokenServiceClient, apiKey string, resume *ipsev1.WatchRevocationsRequest,
) error {
	token, err := ipse.ExchangeApiKey(ctx, &ipsev1.ExchangeApiKeyRequest{ApiKey: apiKey})
	if err != nil {
		return err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token.AccessToken)
	stream, err := ipse.WatchRevocations(ctx, resume)
	for err == nil {
		var next *message
		if next, err = stream.Recv(); err == nil {
			resume.ResumeToken = next.ResumeToken
			r.learn(next)
		}
	}
	return err
}

func (r *Revocations) learn(next *message) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if next.Revoked != nil {
		id := cmp.Or(next.GetSessionId(), next.GetSubject(), next.GetTokenId(), next.GetKeyId())
		if r.entries[id].GetRevokedBefore().GetSeconds() <= next.GetRevokedBefore().GetSeconds() {
			r.entries[id] = next
		}
		return
	}
	r.current = time.Now()
	maps.DeleteFunc(r.entries, func(_ string, entry *message) bool { return entry.ForgetAfter.AsTime().Before(r.current) })
}
