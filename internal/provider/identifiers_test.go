package provider

import (
	"net/url"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// TestSitesMaskEverySecret: Mystore's client knows nothing of Kustom's, so it has the form of a secret a
// second time.
func TestSitesMaskEverySecret(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		portalpages.Site(new(url.URL), nil, nil).Secret.String(), mystorepages.Site(new(url.URL), nil, nil).Secret.String(),
	} {
		if pattern != kustom.SecretForm {
			t.Errorf("a site masks %s, want %s", pattern, kustom.SecretForm)
		}
	}
}
