package rotation_test

import (
	"errors"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"testing"
)

func TestWithUnusedKeys_AddsKeysToReachedLimitOnly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err, listing error
		lists        int
		unused       string
	}{
		"the limit":                  {err: kustom.ErrLimitReached, lists: 1, unused: "M1-never"},
		"the limit, keys not listed": {err: kustom.ErrLimitReached, listing: errLost, lists: 1},
		"another refusal":            {err: errRefused},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, nil, m1("M1-used"), key("1", "M1-never", host, 2026, 0), key("2", "M2-never", host, 2026, 0))
			env.portal.before = failCalls(listCall, test.listing)
			got := env.engine.WithUnusedKeys(t.Context(), "M1", test.err)
			if !errors.Is(got, test.err) || got.Error() != test.err.Error() || env.portal.called(listCall) != test.lists {
				t.Errorf("the error is %v, after %d listings", got, env.portal.called(listCall))
			}
			var full *rotation.LimitReachedError
			if !errors.As(got, &full) {
				if test.unused != "" {
					t.Errorf("the error is %#v", got)
				}
				return
			}
			if test.unused == "" || full.MerchantID != "M1" || len(full.Unused) != 1 || full.Unused[0].Username != test.unused {
				t.Errorf("the error is %+v", full)
			}
		})
	}
}

func TestDescribeStores_AddsNamesAndWebsites(t *testing.T) {
	t.Parallel()
	wrong := func(present, wanted string) *rotation.WrongStoreError {
		return &rotation.WrongStoreError{Shop: "a", Present: present, Wanted: wanted}
	}
	stores := []kustom.Store{
		{MerchantID: "M1", Name: "Butikk", Website: "https://butikk.no"}, {MerchantID: "M2", Name: "Handel"},
		{MerchantID: "M3", Website: "https://torg.no"}, {MerchantID: "M4"},
	}
	for name, test := range map[string]struct {
		err, listing, want error
	}{
		"name and address":     {err: wrong("M1", "M2"), want: wrong("M1 (Butikk, https://butikk.no)", "M2 (Handel)")},
		"address only":         {err: wrong("M3", "M4"), want: wrong("M3 (https://torg.no)", "M4")},
		"not visible":          {err: wrong("M9", "M2"), want: wrong("M9", "M2 (Handel)")},
		"stores not listed":    {err: wrong("M1", "M2"), listing: errLost, want: wrong("M1", "M2")},
		"within another error": {err: errors.Join(errLost, wrong("M4", "M2")), want: wrong("M4", "M2 (Handel)")},
		"another error":        {err: errLost, want: errLost},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, nil)
			env.portal.stores, env.portal.storesErr = stores, test.listing
			if got := env.engine.DescribeStores(t.Context(), test.err); got.Error() != test.want.Error() {
				t.Errorf("the error is %q, want %q", got, test.want)
			}
		})
	}
	if err := newTestEnv(t, nil).engine.DescribeStores(t.Context(), nil); err != nil {
		t.Errorf("without an error, it returns %v", err)
	}
}
