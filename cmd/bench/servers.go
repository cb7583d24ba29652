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

// servers are both vendors, with counters of their traffic.
type servers struct {
	sandbox *sandbox.Sandbox
	seed    sandbox.Seed
	http    *http.Server
	url     string

	mu          sync.Mutex
	connections int
	// open is the number of requests in progress, and peak the largest number.
	open, peak int
}

// traffic is the counted traffic.
type traffic struct {
	// requests has the number of requests of each kind, such as "portal GET /stores".
	requests    map[string]int
	connections int
	// peak is the largest number of simultaneous requests.
	peak int
	// refused is the number of requests over the rate limit.
	refused int
}

func (t traffic) total() int {
	sum := 0
	for _, n := range t.requests {
		sum += n
	}
	return sum
}

// startServers serves n shops with legacy keys to the provider of w.
func startServers(w way, n int, latency time.Duration) (*servers, error) {
	seed := sandbox.FleetSeed(n)
	box, err := sandbox.New(seed, sandbox.Options{Latency: latency, Unchecked: true})
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the servers: %w", err)
	}
	s := &servers{sandbox: box, seed: seed, url: "http://" + listener.Addr().String()}
	handler := s.counted(box)
	if w.provider == "restapi" {
		handler = authorized(seed, handler)
	}
	s.http = &http.Server{Handler: handler, ConnState: s.connected, ReadHeaderTimeout: time.Minute}
	// Serve returns after close, without an error worth reporting.
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

func (s *servers) close() { _ = s.http.Close() }

// env returns the environment of a way's provider. The tokens of many shops are too long for it.
func (s *servers) env(w way) map[string]string {
	if w.pages {
		return s.sandbox.PagesEnv(s.url)
	}
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
	s.open++
	s.peak = max(s.peak, s.open)
}

func (s *servers) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

// take returns the traffic since the last call.
func (s *servers) take() traffic {
	s.mu.Lock()
	t := traffic{requests: map[string]int{}, connections: s.connections, peak: s.peak}
	s.connections, s.peak = 0, 0
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

// check returns an error if a shop has no new key after an apply, or if an invariant is broken. A way that does not
// do its work is not measured.
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

// authorized adds the right token to each request. It is for a provider that has a single token and could not serve
// many shops.
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
