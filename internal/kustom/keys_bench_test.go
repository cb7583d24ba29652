package kustom_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// answers is a RoundTripper that answers each request with the same body.
type answers string

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {transport.JSON}},
		Body: io.NopCloser(strings.NewReader(string(a))),
	}, nil
}

// pageOf returns a list's only page, with n keys.
func pageOf(b *testing.B, n int) answers {
	b.Helper()
	description := "terraform: a shop"
	var keys []kustom.Key
	for i := range n {
		keys = append(keys, kustom.Key{
			CredentialID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), MerchantID: fjellsport,
			Username: fmt.Sprintf("%s-%05d", fjellsport, i), Description: &description,
			Environment: "live", Host: "api.kustom.co", Status: "ACTIVE",
			CreatedAt: noon, CreatedBy: "ops@agency.example", LastUsedAt: &noon,
		})
	}
	body, err := json.Marshal(map[string]any{"credentials": keys, "next_cursor": nil})
	if err != nil {
		b.Fatal(err)
	}
	return answers(body)
}

// BenchmarkKeys measures reading a full page of keys from an answer.
func BenchmarkKeys(b *testing.B) {
	page := pageOf(b, 100)
	portal := kustom.NewPortal(transport.New(transport.Options{
		API: "portal", BaseURL: &url.URL{Scheme: "http", Host: "portal.example"}, UserAgent: "terraform-provider-kustom/test",
		Timeout: time.Minute, Clock: clock.System{}, RoundTripper: page, Problem: kustom.Problem,
	}), token(adminToken))
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range portal.Keys(b.Context(), "") {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 100 {
			b.Fatalf("%d keys, want 100", n)
		}
	}
}
