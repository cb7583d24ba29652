package kustom_test

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

func TestLegacy_DecidesOwner(t *testing.T) {
	t.Parallel()
	const uuid = "6f1e8a52-3c0d-4b7a-9a51-0d2f1b3c4e5f"
	tests := map[string]struct {
		key   kustom.KeyFacts
		owner kustom.Owner
		sure  bool
	}{
		"Klarna's host":               {kustom.KeyFacts{"M00123456-aB3dE", "api.klarna.com", true}, kustom.OwnerKlarna, true},
		"Klarna's playground":         {kustom.KeyFacts{"PM00123456-aB3dE", "api.playground.klarna.com", true}, kustom.OwnerKlarna, true},
		"Kustom's host":               {kustom.KeyFacts{"K123456_abc", "api.kustom.co", true}, kustom.OwnerKustom, true},
		"unknown host, form decides":  {kustom.KeyFacts{"M00123456-aB3dE", "api.example", true}, kustom.OwnerKustom, true},
		"Kustom's form":               {kustom.KeyFacts{"M00123456-aB3dE", "", true}, kustom.OwnerKustom, true},
		"Kustom's form, migrated":     {kustom.KeyFacts{"K123456-aB3dE", "", true}, kustom.OwnerKustom, false},
		"Klarna's form":               {kustom.KeyFacts{"K123456_abcd12345", "", true}, kustom.OwnerKlarna, true},
		"Klarna's form, not migrated": {kustom.KeyFacts{"M00123456_abcd12345", "", true}, kustom.OwnerKlarna, false},
		"UUID":                        {kustom.KeyFacts{uuid, "", true}, kustom.OwnerKlarna, true},
		"unknown form":                {kustom.KeyFacts{"someone", "", true}, kustom.OwnerUnknown, false},
		"unlisted, Klarna's form":     {kustom.KeyFacts{"K123456_abcd12345", "", false}, kustom.OwnerKlarna, true},
		"unlisted UUID":               {kustom.KeyFacts{uuid, "", false}, kustom.OwnerKlarna, true},
		"unlisted, unknown form":      {kustom.KeyFacts{"someone", "", false}, kustom.OwnerKlarna, false},
		"unlisted, Kustom's form":     {kustom.KeyFacts{"M00123456-aB3dE", "", false}, kustom.OwnerUnknown, false},
		"unlisted, Kustom's form, K":  {kustom.KeyFacts{"K123456-aB3dE", "", false}, kustom.OwnerUnknown, false},
	}
	for name, test := range tests {
		got := kustom.Legacy(test.key)
		if got.Owner != test.owner || got.Sure != test.sure || got.Reason == "" {
			t.Errorf("%s: %+v, want %s (sure: %t)", name, got, test.owner, test.sure)
		}
	}
	key := kustom.Key{Username: "K123456_abcd12345"}
	if got := key.Origin(); got.Owner != kustom.OwnerKlarna {
		t.Errorf("a listed key of Klarna's is %+v", got)
	}
}
