package portalpages_test

import (
	"slices"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

func TestStoresAreThoseOfTheSelector(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed sandbox.Seed
		lang string
		want []string
	}{
		"in English": {sandbox.ThreeShops(), "en", []string{
			"M00412871 Fjellsport https://fjellsport.example", "M00537204 Kaffebønna https://kaffebonna.example",
			"M00698335 Ull og Tre https://ullogtre.example",
		}},
		"in Norwegian": {playground(), "nb", []string{"PM00412871 Fjellsport https://fjellsport.example"}},
		"named like others": {namedAlike(), "en", []string{
			"M00412871 Shop (M00537204) https://fjellsport.example", "M00537204 Shop (M00698335) https://kaffebonna.example",
			"M00698335 Shop (M00412871) https://ullogtre.example",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{seed: test.seed})
			b.speak(t, test.lang)
			var got []string
			for store, err := range b.Stores(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, store.MerchantID+" "+store.Name+" "+store.Website)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("the stores are %q, want %q", got, test.want)
			}
			b.kept(t)
		})
	}
}

func TestStoresEndWithWhoeverHasEnough(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	for range b.Stores(t.Context()) {
		break
	}
	if n := b.requests("GET", "/stores/{merchant_id}"); n > 3 {
		t.Errorf("%d stores were visited for the first one", n)
	}
}

func TestEndpointStatusIsWhatTheAPIPageSays(t *testing.T) {
	t.Parallel()
	for name, lang := range map[string]string{"in English": "en", "in Norwegian": "nb"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			services := slices.Clone(seed.Stores[0].Services)
			services[1].Host = "api.kustom.co"
			seed.Stores[0].Services = services
			b := newBench(t, setup{seed: seed})
			b.speak(t, lang)
			got, err := b.Portal.EndpointStatus(t.Context(), fjellsport)
			if err != nil {
				t.Fatal(err)
			}
			want, err := b.Sandbox.EndpointStatus(fjellsport)
			if err != nil {
				t.Fatal(err)
			}
			if got.MerchantID != fjellsport || got.ActionRequired != want.ActionRequired || len(got.Services) != len(want.Services) {
				t.Fatalf("the status is %+v, want %+v", got, want)
			}
			for i, service := range got.Services {
				sameService(t, service, want.Services[i])
			}
			b.kept(t)
		})
	}
}

func sameService(t *testing.T, got kustom.ServiceStatus, want sandbox.ServiceStatus) {
	t.Helper()
	if got.Service != want.Service || got.Host != want.Host {
		t.Errorf("the service is %s at %s, want %s at %s", got.Service, got.Host, want.Service, want.Host)
	}
	if (got.LastUsedAt == nil) != (want.LastUsedAt == nil) || got.LastUsedAt != nil && !got.LastUsedAt.Equal(*want.LastUsedAt) {
		t.Errorf("%s was used at %v, want %v", got.Service, got.LastUsedAt, want.LastUsedAt)
	}
	if (got.ActionRequired == nil) != (want.ActionRequired == nil) {
		t.Errorf("%s has the action %v, want %v", got.Service, got.ActionRequired, want.ActionRequired)
	}
}

// TestEveryWordIsInBothLanguages: people sign in with either.
func TestEveryWordIsInBothLanguages(t *testing.T) {
	t.Parallel()
	for label, languages := range portalpages.Table() {
		if len(languages["en"]) == 0 || len(languages["nb"]) != 1 {
			t.Errorf("%s is %q", label, languages)
		}
	}
}
