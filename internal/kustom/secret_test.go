package kustom_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

func TestSecret_IsHiddenInEveryFormat(t *testing.T) {
	const value = "kco_test_api_hidden"
	key := kustom.NewKey{Secret: kustom.NewSecret(value)}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "secret", key.Secret, "key", key)
	encoded, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(key), fmt.Sprintf("%v", key.Secret), fmt.Sprintf("%+v", key), fmt.Sprintf("%#v", key), fmt.Sprintf("%q", key.Secret),
		fmt.Sprintf("%+v", &key.Secret), fmt.Sprintf("%x", key.Secret), string(encoded), log.String(),
	} {
		if strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) {
			t.Errorf("the secret is in %q", text)
		}
	}
	if key.Secret.Reveal() != value {
		t.Errorf("Reveal returns %q", key.Secret.Reveal())
	}
}
