package provider_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestDataSources_LeaveOutForeignKeysAndSecrets: a portal that puts secrets where none belong, or answers with another store's
// keys.
func TestDataSources_LeaveOutForeignKeysAndSecrets(t *testing.T) {
	t.Parallel()
	const secret, foreign = "kco_live_api_0123456789abcdef", "M00999999-other"
	key := func(merchantID, username string) string {
		return fmt.Sprintf(`{"merchant_id":%q,"credential_id":%q,"username":%q,"host":"api.kustom.co","created_at":"2026-01-01T00:00:00Z"}`, merchantID, username, username)
	}
	keys := `{"credentials":[` + strings.Join([]string{key(exampleStore, exampleStore+"-aB3dE"), key("M00999999", foreign), key(exampleStore, exampleStore+"-"+secret)}, ",") + `]}`
	for name, test := range map[string]struct {
		arguments      values
		template, body string
		wants          string
	}{
		"kustom_support_bundle": {values{"merchant_id": exampleStore}, keysCall, keys, exampleStore + "-aB3dE"},
		"kustom_api_keys":       {values{"merchant_ids": []tftypes.Value{tftypes.NewValue(tftypes.String, exampleStore)}}, keysCall, keys, exampleStore + "-aB3dE"},
		"kustom_stores": {
			values{}, "/stores", `{"stores":[{"merchant_id":"` + exampleStore + `","name":"` + secret + `","website":"` + secret + `"},{"name":"nobody"}]}`, exampleStore,
		},
		"kustom_endpoint_status": {
			values{"merchant_id": exampleStore}, "/stores/{merchant_id}/endpoint-status",
			`{"merchant_id":"` + exampleStore + `","action_required":true,"services":[{"service":"` + secret + `","host":"` + secret + `","action_required":"` + secret + `"}]}`, "a secret",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			armed := v.Arm(sandbox.Fault{API: sandbox.Portal, Method: http.MethodGet, Template: test.template, Status: http.StatusOK, ContentType: "application/json", Body: test.body})
			got := v.actionServer(t).readData(name, test.arguments)
			if armed.Fired() == 0 {
				t.Fatal("the portal was not asked")
			}
			said := fmt.Sprint(got.Diagnostics)
			if got.State != nil {
				said += string(got.State.MsgPack)
			}
			if strings.Contains(said, secret) || strings.Contains(said, foreign) || !strings.Contains(said, test.wants) {
				t.Errorf("it says %s", said)
			}
		})
	}
}
