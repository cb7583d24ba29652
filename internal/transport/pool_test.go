package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Two hundred requests at once, as a large fleet sends them, open their connections. Two hundred more open no
// further ones.
func TestNewPool_ReusesConnections(t *testing.T) {
	t.Parallel()
	const atOnce = 200
	var opened atomic.Int64
	var arrived sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := &http.Client{Transport: transport.NewPool()}
	for range 2 {
		arrived.Add(atOnce)
		var group sync.WaitGroup
		for range atOnce {
			group.Go(func() { get(t, client, server.URL) })
		}
		group.Wait()
	}
	if n := opened.Load(); n > atOnce {
		t.Errorf("%d connections were opened for %d requests at once", n, atOnce)
	}
}

func TestNewPool_SpeaksHTTP2(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	pool := transport.NewPool()
	pool.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if got := get(t, &http.Client{Transport: pool}, server.URL); got != "HTTP/2.0" {
		t.Errorf("the answer came by %s", got)
	}
}

// get requests url and returns the protocol of the answer.
func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.Proto
}
