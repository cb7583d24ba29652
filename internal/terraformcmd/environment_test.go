package terraformcmd_test

import (
	"slices"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/terraformcmd"
)

func TestEnvironment_DropsOtherSettings(t *testing.T) {
	t.Parallel()
	parent := []string{
		"PATH=/bin", "TF_LOG=trace", "TF_LOG_SDK=trace", "TF_CLI_ARGS=-destroy", "TF_VAR_shops={}", "KUSTOM_API_URL=https://a.example",
		"MYSTORE_TOKENS={}",
	}
	got := terraformcmd.Environment(parent, map[string]string{"TF_INPUT": "0"})
	if want := []string{"PATH=/bin", "TF_INPUT=0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
