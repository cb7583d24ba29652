package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server serves a sandbox on a network address.
type Server struct {
	sandbox  *Sandbox
	http     *http.Server
	listener net.Listener
}

// Start serves the sandbox on a free port of 127.0.0.1.
func Start(s *Sandbox) (*Server, error) {
	return StartAt(s, "127.0.0.1:0")
}

// StartAt serves the sandbox on an address.
func StartAt(s *Sandbox, addr string) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	srv := &Server{
		sandbox:  s,
		http:     &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second},
		listener: listener,
	}
	// Serve returns after Close, without an error worth reporting.
	go func() { _ = srv.http.Serve(listener) }()
	return srv, nil
}

// Close stops the server immediately, and cuts open calls.
func (srv *Server) Close() error { return srv.http.Close() }

// URL returns the server's address, without a slash at the end.
func (srv *Server) URL() string { return "http://" + srv.listener.Addr().String() }

// PortalURL returns the base URL of Kustom Portal's API.
func (srv *Server) PortalURL() string { return srv.URL() + portalPrefix }

// APIURL returns the base URL of Kustom's merchant API.
func (srv *Server) APIURL() string { return srv.URL() + merchantPrefix }

// MystoreURL returns the base URL of Mystore's API.
func (srv *Server) MystoreURL() string { return srv.URL() + mystorePrefix }

// PortalPagesURL returns the base URL of Kustom Portal's pages.
func (srv *Server) PortalPagesURL() string { return srv.URL() + portalPagesPrefix }

// MystoreAdminURL returns the address of a shop's control panel, which has its own host.
func (srv *Server) MystoreAdminURL(shop string) string {
	return ShopURL(srv.URL(), shop) + mystorePagesPrefix
}

// Tour returns directions to the pages of this server; see [Sandbox.Tour].
func (srv *Server) Tour() []string { return srv.sandbox.Tour(srv.URL()) }

// Env returns the environment for a provider that uses this server; see [Sandbox.Env].
func (srv *Server) Env() map[string]string { return srv.sandbox.Env(srv.URL()) }

// Env returns the environment for a provider that uses the sandbox at url, which has no slash at its end: the
// addresses, the token of the first user who can see Integrations, and the tokens of all shops.
func (s *Sandbox) Env(url string) map[string]string {
	portal, shops := s.tokens()
	// A map of strings always encodes.
	tokens, _ := json.Marshal(shops)
	return map[string]string{
		"KUSTOM_ENVIRONMENT":  s.state.environment,
		"KUSTOM_PORTAL_URL":   url + portalPrefix,
		"KUSTOM_API_URL":      url + merchantPrefix,
		"MYSTORE_URL":         url + mystorePrefix,
		"KUSTOM_PORTAL_TOKEN": portal,
		"MYSTORE_TOKENS":      string(tokens),
	}
}

// tokens returns the tokens. It takes the lock.
func (s *Sandbox) tokens() (portal string, shops map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.state.firstAdmin(); u != nil {
		portal = u.Token
	}
	shops = make(map[string]string)
	for _, sh := range s.state.shops {
		shops[sh.Name] = sh.Token
	}
	return portal, shops
}
