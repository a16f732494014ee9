// A service that trusts the access tokens of Ipse. See README.md.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	ipsev1 "example.com/orders/gen/ipse/v1"
	ordersv1 "example.com/orders/gen/orders/v1"
	"example.com/orders/guard"
)

type orders struct {
	ordersv1.UnimplementedOrdersServiceServer
}

func (orders) Greet(ctx context.Context, _ *ordersv1.GreetRequest) (*ordersv1.GreetResponse, error) {
	subject := guard.Caller(ctx).Subject
	return &ordersv1.GreetResponse{Greeting: "Hello, " + subject, Subject: subject}, nil
}

func (orders) CancelOrder(
	ctx context.Context, _ *ordersv1.CancelOrderRequest,
) (*ordersv1.CancelOrderResponse, error) {
	if err := guard.Caller(ctx).RequireSignIn(guard.AAL2, 5*time.Minute); err != nil {
		return nil, err
	}
	return &ordersv1.CancelOrderResponse{}, nil
}

func main() {
	if err := serve(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context) error {
	ipse, err := grpc.NewClient(os.Getenv("IPSE_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}))
	if err != nil {
		return err
	}
	defer ipse.Close()
	g, err := guard.New(ctx, os.Getenv("IPSE_JWKS_URL"), os.Getenv("IPSE_ISSUER"), os.Getenv("IPSE_AUDIENCE"))
	if err != nil {
		return err
	}
	go g.Revoked.Watch(ctx, ipsev1.NewTokenServiceClient(ipse), os.Getenv("IPSE_API_KEY"))

	listener, err := net.Listen("tcp", os.Getenv("ORDERS_LISTEN"))
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(g.Unary), grpc.StreamInterceptor(g.Stream))
	ordersv1.RegisterOrdersServiceServer(server, orders{})
	fmt.Println("listening on", listener.Addr())
	return server.Serve(listener)
}
