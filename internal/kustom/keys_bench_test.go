package kustom_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// pageOf returns a list's only page, with n keys.
func pageOf(b *testing.B, n int) string {
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
	return string(body)
}

// BenchmarkKeys measures reading a full page of keys from an answer.
func BenchmarkKeys(b *testing.B) {
	page := pageOf(b, 100)
	portal := portalAnswering(page)
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
