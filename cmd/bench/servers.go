package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// servers are both vendors, and what is counted of their traffic.
type servers struct {
	sandbox *sandbox.Sandbox
	seed    sandbox.Seed
	http    *http.Server
	url     string

	mu                   sync.Mutex
	connections          int
	concurrent, together int
}

// traffic is what the servers have seen.
type traffic struct {
	// requests is how many there were of each kind, such as "portal GET /stores".
	requests    map[string]int
	connections int
	// together is how many requests were under way at once, at the most.
	together int
	// refused is how many were refused for being too many.
	refused int
}

func (t traffic) total() int {
	sum := 0
	for _, n := range t.requests {
		sum += n
	}
	return sum
}

// startServers serves n shops, each on a legacy key, to the provider of w.
func startServers(w way, n int, latency time.Duration) (*servers, error) {
	seed := sandbox.FleetSeed(n)
	box, err := sandbox.New(seed, sandbox.Options{Latency: latency, Unchecked: true})
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the servers: %w", err)
	}
	s := &servers{sandbox: box, seed: seed, url: "http://" + listener.Addr().String()}
	handler := s.counted(box)
	if w.provider == "restapi" {
		handler = authorized(seed, handler)
	}
	s.http = &http.Server{Handler: handler, ConnState: s.connected, ReadHeaderTimeout: time.Minute}
	// Serve returns when close is called, and has nothing to report before that.
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

func (s *servers) close() { _ = s.http.Close() }

// env is the provider's environment. The tokens of many shops are too much for it.
func (s *servers) env() map[string]string {
	env := s.sandbox.Env(s.url)
	delete(env, "MYSTORE_TOKENS")
	return env
}

func (s *servers) connected(_ net.Conn, state http.ConnState) {
	if state != http.StateNew {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connections++
}

func (s *servers) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.begin()
		defer s.end()
		next.ServeHTTP(w, r)
	})
}

func (s *servers) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.concurrent++
	s.together = max(s.together, s.concurrent)
}

func (s *servers) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.concurrent--
}

// take returns the traffic since it was taken last.
func (s *servers) take() traffic {
	s.mu.Lock()
	t := traffic{requests: map[string]int{}, connections: s.connections, together: s.together}
	s.connections, s.together = 0, 0
	s.mu.Unlock()
	for _, r := range s.sandbox.Requests() {
		t.requests[r.API+" "+r.Method+" "+r.Template]++
		if r.Status == http.StatusTooManyRequests {
			t.refused++
		}
	}
	s.sandbox.ResetRequests()
	return t
}

// check reports what is not as it should be after an apply: a shop without a new key, or a broken
// promise. Nothing is measured of a way that does not do its work.
func (s *servers) check() error {
	var errs []error
	for _, v := range s.sandbox.Violations() {
		errs = append(errs, errors.New(v.String()))
	}
	for _, before := range s.seed.Shops {
		now, _ := s.sandbox.Shop(before.Name)
		if now.KustomID == before.KustomID {
			errs = append(errs, fmt.Errorf("shop %s has no new key", before.Name))
		}
		if err := s.sandbox.Working(before.Name); err != nil {
			errs = append(errs, fmt.Errorf("shop %s: %w", before.Name, err))
		}
	}
	return errors.Join(errs...)
}

// authorized adds to each request the token that it needs: a provider that can be told one token only
// could not talk to many shops.
func authorized(seed sandbox.Seed, next http.Handler) http.Handler {
	tokens := map[string]string{}
	for _, shop := range seed.Shops {
		tokens[shop.Name] = shop.Token
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := seed.Users[0].Token
		if rest, ok := strings.CutPrefix(r.URL.Path, "/mystore/shops/"); ok {
			shop, _, _ := strings.Cut(rest, "/")
			token = tokens[shop]
		}
		r.Header.Set("Authorization", "Bearer "+token)
		next.ServeHTTP(w, r)
	})
}
