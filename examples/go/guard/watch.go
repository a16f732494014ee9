package guard

import (
	"cmp"
	"context"
	"log"
	"time"

	"google.golang.org/grpc/metadata"

	ipsev1 "example.com/orders/gen/ipse/v1"
)

// Watch hears of revocations until the context ends. It calls with what signIn returns, an access token whose subject
// holds the permission tokens.introspect, and begins anew where the stream broke off.
func (g *Guard) Watch(ctx context.Context, ipse ipsev1.TokenServiceClient, signIn func(context.Context) (string, error)) {
	resume := ""
	for {
		err := g.follow(ctx, ipse, signIn, &resume)
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
			log.Printf("the stream of revocations broke off: %v", err)
		}
	}
}

func (g *Guard) follow(ctx context.Context, ipse ipsev1.TokenServiceClient, signIn func(context.Context) (string, error), resume *string) error {
	token, err := signIn(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token))
	defer cancel()
	stream, err := ipse.WatchRevocations(ctx, &ipsev1.WatchRevocationsRequest{ResumeToken: *resume})
	if err != nil {
		return err
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			return err
		}
		g.learn(message)
		*resume = message.ResumeToken
	}
}

func (g *Guard) learn(message *ipsev1.WatchRevocationsResponse) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if message.Revoked != nil {
		id := cmp.Or(message.GetSessionId(), message.GetSubject(), message.GetTokenId(), message.GetKeyId())
		if g.revoked[id].GetRevokedBefore().GetSeconds() <= message.GetRevokedBefore().GetSeconds() {
			g.revoked[id] = message
		}
		return
	}
	g.current = time.Now()
	for id, entry := range g.revoked {
		if entry.ForgetAfter.AsTime().Before(g.current) {
			delete(g.revoked, id)
		}
	}
}
