package rotation_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// prefetchAndRead reads a shop as a resource does.
func prefetchAndRead(ctx context.Context, shops *rotation.Shops, p *rotation.Prefetcher, name string) error {
	p.PrefetchOthers(ctx, name)
	credentials, err := shops.Credentials(ctx, name)
	if err == nil && credentials.KustomID != "M1-"+name {
		return fmt.Errorf("%s holds %s", name, credentials.KustomID)
	}
	return err
}

func TestPrefetcher_ReadsShopsConcurrently(t *testing.T) {
	const n = 100
	withSlowShops(t, n, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		p := rotation.NewPrefetcher(shops)
		start := time.Now()
		for i := range n {
			if err := prefetchAndRead(t.Context(), shops, p, shopName(i)); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took > n/4*time.Second {
			t.Errorf("%d reads of 1s took %v, not even a quarter of the time that they take one by one", n, took)
		}
		s.wantEachReadOnce(t)
	})
}

func TestPrefetcher_ReadsFewUnneededShops(t *testing.T) {
	for asked, most := range map[int]int{1: 1, 3: 3, 10: 20} {
		t.Run(fmt.Sprintf("%d needed", asked), func(t *testing.T) {
			const n = 100
			withSlowShops(t, n, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				p := rotation.NewPrefetcher(shops)
				for i := range asked {
					if err := prefetchAndRead(t.Context(), shops, p, shopName(n-1-i)); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Minute)
				read := 0
				for i := range n {
					read += s.called(readCall, shopName(i))
				}
				if read < asked || read > most {
					t.Errorf("%d shops were read, and %d were needed", read, asked)
				}
			})
		})
	}
}

func TestPrefetcher_FailureIsNotCached(t *testing.T) {
	withSlowShops(t, 8, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.before = onShopCall("", "", 1, func() error { return errLost })
		p := rotation.NewPrefetcher(shops)
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 4 {
			if err := prefetchAndRead(ctx, shops, p, shopName(i)); err == nil {
				t.Errorf("%s was read although its first read fails", shopName(i))
			}
		}
		cancel()
		synctest.Wait()
		for i := 4; i < 8; i++ {
			if err := prefetchAndRead(t.Context(), shops, p, shopName(i)); err != nil {
				t.Errorf("%s was not read: %v", shopName(i), err)
			}
		}
	})
}
