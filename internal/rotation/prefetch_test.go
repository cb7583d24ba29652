package rotation_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// manyShops returns n shops that take a second to read, and their names.
func manyShops(n int) (*fakeShops, []string) {
	holds, names := map[string]string{}, []string{}
	for i := range n {
		name := fmt.Sprintf("shop%03d", i)
		names = append(names, name)
		holds[name] = "M1-" + name
	}
	s := newFakeShops(holds)
	s.before = func(context.Context, string, string, int) error {
		time.Sleep(time.Second)
		return nil
	}
	return s, names
}

// readAhead reads a shop as a resource does.
func readAhead(ctx context.Context, shops *rotation.Shops, ahead *rotation.Prefetcher, name string) (mystore.Credentials, error) {
	ahead.PrefetchOthers(ctx, name)
	return shops.Credentials(ctx, name)
}

// reads returns how many reads there were.
func reads(s *fakeShops, names []string) int {
	n := 0
	for _, name := range names {
		n += s.called(readCall, name)
	}
	return n
}

func TestPrefetcher_ReadsShopsAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, names := manyShops(100)
		shops := newShops(s, clock.System{})
		ahead := rotation.NewPrefetcher(shops)
		start := time.Now()
		for _, name := range names {
			holds, err := readAhead(t.Context(), shops, ahead, name)
			if err != nil || holds.KustomID != "M1-"+name {
				t.Errorf("%s holds %s: %v", name, holds.KustomID, err)
			}
		}
		if took := time.Since(start); took > 25*time.Second {
			t.Errorf("asking for a hundred shops took %v, not even four times as fast as one by one", took)
		}
		for _, name := range names {
			if n := s.called(readCall, name); n != 1 {
				t.Errorf("%s was read %d times", name, n)
			}
		}
	})
}

func TestPrefetcher_ReadsFewShopsInVain(t *testing.T) {
	t.Parallel()
	for asked, most := range map[int]int{1: 1, 3: 3, 10: 20} {
		t.Run(fmt.Sprintf("asked for %d", asked), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, names := manyShops(100)
				shops := newShops(s, clock.System{})
				ahead := rotation.NewPrefetcher(shops)
				for _, name := range names[len(names)-asked:] {
					if _, err := readAhead(t.Context(), shops, ahead, name); err != nil {
						t.Error(err)
					}
				}
				synctest.Wait()
				time.Sleep(time.Minute)
				if n := reads(s, names); n < asked || n > most {
					t.Errorf("%d shops were read for %d that were asked for", n, asked)
				}
			})
		})
	}
}

func TestPrefetcher_FailureIsNotCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, names := manyShops(8)
		s.before = func(_ context.Context, _, _ string, nth int) error {
			if nth == 1 {
				return errLost
			}
			return nil
		}
		shops := newShops(s, clock.System{})
		ahead := rotation.NewPrefetcher(shops)
		ctx, cancel := context.WithCancel(t.Context())
		for _, name := range names[:4] {
			if _, err := readAhead(ctx, shops, ahead, name); err == nil {
				t.Errorf("%s was read although its first read fails", name)
			}
		}
		cancel()
		synctest.Wait()
		for _, name := range names[4:] {
			if _, err := readAhead(t.Context(), shops, ahead, name); err != nil {
				t.Errorf("%s was not read: %v", name, err)
			}
		}
	})
}
