package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func get(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func serve(t *testing.T, provider string, latency time.Duration) *servers {
	t.Helper()
	srv, err := startServers(way{provider: provider}, 2, latency)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.close)
	return srv
}

func TestTake_CountsSinceLastTake(t *testing.T) {
	srv := serve(t, "kustom", 0)
	for range 3 {
		get(t, srv.url+"/portal/api/v1/stores")
	}
	got := srv.take()
	if got.requests["portal GET /stores"] != 3 || got.total() != 3 || got.connections != 3 || got.peak != 1 {
		t.Errorf("the traffic is %+v", got)
	}
	if got := srv.take(); got.total() != 0 || got.connections != 0 || got.peak != 0 {
		t.Errorf("after a take, the traffic is %+v", got)
	}
}

func TestTake_CountsConcurrentRequests(t *testing.T) {
	srv := serve(t, "kustom", 50*time.Millisecond)
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() { get(t, srv.url+"/portal/api/v1/stores") })
	}
	calls.Wait()
	if got := srv.take().peak; got != 2 {
		t.Errorf("%d requests were under way at once, want 2", got)
	}
}

func TestTake_CountsRefusals(t *testing.T) {
	srv := serve(t, "restapi", 0)
	for range 121 {
		get(t, srv.url+"/mystore/shops/shop-00001/extensions")
	}
	if got := srv.take().refused; got != 1 {
		t.Errorf("%d requests were refused, want 1", got)
	}
}

func TestServers_AddTokensForRestapiOnly(t *testing.T) {
	for provider, want := range map[string]int{"restapi": http.StatusOK, "kustom": http.StatusUnauthorized} {
		srv := serve(t, provider, 0)
		for _, path := range []string{"/portal/api/v1/stores", "/mystore/shops/shop-00002/extensions"} {
			if got := get(t, srv.url+path); got != want {
				t.Errorf("%s: %s is answered with %d, want %d", provider, path, got, want)
			}
		}
	}
}

func TestCheck_NeedsNewKeys(t *testing.T) {
	srv := serve(t, "kustom", 0)
	err := srv.check()
	if err == nil || !strings.Contains(err.Error(), "shop shop-00002 has no new key") {
		t.Errorf("the error is %v", err)
	}
	for _, shop := range srv.seed.Shops {
		key, err := srv.sandbox.GenerateKey(shop.MerchantID, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.sandbox.Install(shop.Name, key.Username, key.Secret); err != nil {
			t.Fatal(err)
		}
	}
	if err := srv.check(); err != nil {
		t.Error(err)
	}
}
