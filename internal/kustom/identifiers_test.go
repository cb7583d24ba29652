package kustom_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestParseMerchantID_AcceptsKnownForms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		production, playground, migrated bool
	}{
		"M00123456":  {production: true},
		"PM00123456": {playground: true},
		"DM11917000": {production: true, playground: true},
		"K123456":    {production: true, migrated: true},
		"PK123456":   {playground: true, migrated: true},
		"N123456":    {production: true, migrated: true},
		"PN123456":   {playground: true, migrated: true},
		"M001abc":    {production: true},
		"K1M":        {production: true, migrated: true},
	}
	for text, want := range tests {
		id, err := kustom.ParseMerchantID(text)
		if err != nil || string(id) != text {
			t.Errorf("%s: %q, %v", text, id, err)
			continue
		}
		if id.Accepts(kustom.Production) != want.production || id.Accepts(kustom.Playground) != want.playground || id.Migrated() != want.migrated {
			t.Errorf("%s: production %t, playground %t, migrated %t", text,
				id.Accepts(kustom.Production), id.Accepts(kustom.Playground), id.Migrated())
		}
	}
	for _, text := range []string{"", "M", "PM", "m00123456", "X123456", "DK123456", "123456", "M-1", "M00123456-aB3dE", " M00123456", "M00 1", "MA1", "K123456_ab"} {
		if id, err := kustom.ParseMerchantID(text); err == nil {
			t.Errorf("%q is taken for the merchant ID %q", text, id)
		}
	}
}

func TestFindMerchantID_FindsLastWord(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]kustom.MerchantID{
		"Fjellsport – M00412871": "M00412871", "Fjellsport - K123456": "K123456", "M1 – M2": "M2", "(PK12345)": "PK12345",
		"Fjellsport": "", "": "", "XM00412871": "", "M00412871x!": "M00412871x",
	} {
		if got := kustom.FindMerchantID(text); got != want {
			t.Errorf("%q has %q, want %q", text, got, want)
		}
	}
}

func TestFormOf_RecognizesUsernames(t *testing.T) {
	t.Parallel()
	const uuid = "6f1e8a52-3c0d-4b7a-9a51-0d2f1b3c4e5f"
	tests := map[string]struct {
		store string
		form  kustom.UsernameForm
	}{
		"M00123456-aB3dE":        {"M00123456", kustom.UsernameKustom},
		"PM00123456-aB3dE":       {"PM00123456", kustom.UsernameKustom},
		"DM11917000-aB3dE":       {"DM11917000", kustom.UsernameKustom},
		"K123456-aB3dE":          {"K123456", kustom.UsernameKustom},
		"M00123456-a_b-c":        {"M00123456", kustom.UsernameKustom},
		"K123456_abcd12345":      {"K123456", kustom.UsernameKlarna},
		"PK123456_0123456789ab":  {"PK123456", kustom.UsernameKlarna},
		uuid:                     {"", kustom.UsernameKlarna},
		strings.ToUpper(uuid):    {"", kustom.UsernameKlarna},
		"M00123456":              {"", kustom.UsernameOther},
		"M00123456-":             {"", kustom.UsernameOther},
		"M00123456--a":           {"", kustom.UsernameOther},
		"M00123456-a b":          {"", kustom.UsernameOther},
		"M00123456-a\xa0b":       {"", kustom.UsernameOther},
		"M00123456-a\ufffdb":     {"", kustom.UsernameOther},
		"someone":                {"", kustom.UsernameOther},
		"":                       {"", kustom.UsernameOther},
		"kco_live_api_abc":       {"", kustom.UsernameOther},
		uuid[:len(uuid)-1] + "g": {"", kustom.UsernameOther},
	}
	for username, want := range tests {
		store, ok := kustom.StoreOf(username)
		if store != want.store || ok != (want.store != "") || kustom.FormOf(username) != want.form {
			t.Errorf("%q is of store %q (%t) and has %s form", username, store, ok, kustom.FormOf(username))
		}
	}
}

func TestKindOf_RecognizesSecrets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind        kustom.SecretKind
		environment kustom.Environment
	}{
		"kco_live_api_abc":        {kustom.SecretKustom, kustom.Production},
		"kco_test_api_a+b/c==":    {kustom.SecretKustom, kustom.Playground},
		"klarna_live_api_a+b/c==": {kustom.SecretKlarna, kustom.Production},
		"klarna_test_api_x":       {kustom.SecretKlarna, kustom.Playground},
		"kco_live_api_":           {kustom.SecretOther, ""},
		"kco_dev_api_x":           {kustom.SecretOther, ""},
		"kco_live_api_a b":        {kustom.SecretOther, ""},
		" kco_live_api_ab":        {kustom.SecretOther, ""},
		"aB3!dE$":                 {kustom.SecretOther, ""},
		"":                        {kustom.SecretOther, ""},
	}
	for secret, want := range tests {
		e, ok := kustom.SecretEnvironment(secret)
		if kustom.KindOf(secret) != want.kind || e != want.environment || ok != (want.environment != "") {
			t.Errorf("%q is %s, of %q (%t)", secret, kustom.KindOf(secret), e, ok)
		}
	}
}

func TestFindSecret_FindsFirst(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nothing": "", "a klarna_live_api_b c": "klarna_live_api_b", "KLARNA_TEST_API_a+b/c== and kco_live_": "KLARNA_TEST_API_a+b/c==",
	} {
		if got := kustom.FindSecret(text); got != want {
			t.Errorf("found %q in %q", got, text)
		}
	}
}

// FuzzIdentifiers checks that the parsers agree with each other.
func FuzzIdentifiers(f *testing.F) {
	for _, text := range []string{
		"", "M00123456", "PM1", "DM1-a", "K123456_abcd", "N1", "PN1-x", "6f1e8a52-3c0d-4b7a-9a51-0d2f1b3c4e5f", "kco_live_api_abc",
		"klarna_test_api_a+b/c==", "Name – M1", "M1-\u00a0", "M1-\xff", "kco_live_api_\u2028", "kco_live_api_\xd2", "x kco_test_api_1 y",
	} {
		f.Add(text)
	}
	// The beginning of the form followed by an ellipsis is no secret: messages show the form that way.
	form := regexp.MustCompile(kustom.SecretForm + `[\pL\d]`)
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := kustom.ParseMerchantID(text); err == nil {
			if string(id) != text || kustom.FindMerchantID("– "+text+" –") != id {
				t.Errorf("the merchant ID %q is read as %q", text, id)
			}
			if !id.Accepts(kustom.Production) && !id.Accepts(kustom.Playground) {
				t.Errorf("%q belongs to no environment", text)
			}
			if store, ok := kustom.StoreOf(text + "-a"); !ok || store != text {
				t.Errorf("%q-a is of store %q", text, store)
			}
		}
		store, ok := kustom.StoreOf(text)
		if ok && (!strings.HasPrefix(text, store) || kustom.FormOf(text) == kustom.UsernameOther) {
			t.Errorf("%q is of store %q, and has %s form", text, store, kustom.FormOf(text))
		}
		if kustom.KindOf(text) != kustom.SecretOther {
			if kustom.FormOf(text) != kustom.UsernameOther || !kustom.MayHoldSecret(text) || kustom.FindSecret(text) == "" {
				t.Errorf("the secret %q may be shown", text)
			}
			if _, ok := kustom.SecretEnvironment(text); !ok {
				t.Errorf("the secret %q has no environment", text)
			}
		}
		if shown := transport.Shown(text); form.MatchString(shown) && kustom.KindOf(form.FindString(shown)) != kustom.SecretOther {
			t.Errorf("%q still holds a secret: %q", text, shown)
		}
	})
}
