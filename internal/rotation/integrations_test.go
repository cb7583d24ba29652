package rotation_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestIntegrations_FindsCurrentAndLegacyKeys(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		keys    []kustom.Key
		holders map[string][]string
		// want has the username and the shops of each, with a star on the current ones.
		want   []string
		legacy []string
	}{
		"none": {},
		"held by a shop": {
			keys:    []kustom.Key{key("1", "a", klarna, 2020, 1), key("1", "b", klarna, 2021, 3)},
			holders: map[string][]string{"a": {"shop"}},
			want:    []string{"a [shop]*", "b []"}, legacy: []string{"a", "b"},
		},
		"held by none, most recently used": {
			keys:    []kustom.Key{key("1", "a", klarna, 2020, 2), key("1", "b", klarna, 2021, 3), key("1", "c", klarna, 2022, 1)},
			holders: map[string][]string{"z": {"shop"}},
			want:    []string{"a []", "b []*", "c []"}, legacy: []string{"a", "b", "c"},
		},
		"never used": {
			keys: []kustom.Key{key("1", "a", klarna, 2020, 0), key("1", "b", klarna, 2021, 0)},
			want: []string{"a []", "b []"}, legacy: []string{"a", "b"},
		},
		"one of them used": {
			keys: []kustom.Key{key("1", "a", klarna, 2020, 0), key("1", "b", klarna, 2021, 1), key("1", "c", klarna, 2022, 0)},
			want: []string{"a []", "b []*", "c []"}, legacy: []string{"a", "b", "c"},
		},
		"several shops, two keys": {
			keys:    []kustom.Key{key("1", "a", klarna, 2020, 1), key("1", "b", klarna, 2021, 0), key("1", "c", klarna, 2022, 5)},
			holders: map[string][]string{"a": {"s1", "s2"}, "b": {"s3"}},
			want:    []string{"a [s1 s2]*", "b [s3]*", "c []"}, legacy: []string{"a", "b", "c"},
		},
		"the held one is on the new host": {
			keys:    []kustom.Key{key("1", "a", klarna, 2020, 5), key("1", "b", host, 2026, 1)},
			holders: map[string][]string{"b": {"shop"}},
			want:    []string{"a []", "b [shop]*"}, legacy: []string{"a"},
		},
		"the most recent one is on the new host": {
			keys: []kustom.Key{key("1", "a", klarna, 2020, 1), key("1", "b", host, 2026, 5)},
			want: []string{"a []", "b []*"}, legacy: []string{"a"},
		},
		"stores do not mix": {
			keys:    []kustom.Key{key("2", "b", klarna, 2020, 1), key("1", "a", klarna, 2021, 2), key("3", "c", host, 2019, 0)},
			holders: map[string][]string{"b": {"shop"}},
			want:    []string{"a []*", "b [shop]*", "c []"}, legacy: []string{"a", "b"},
		},
		"by age, then by name": {
			keys: []kustom.Key{key("1", "c", klarna, 2021, 0), key("1", "b", klarna, 2021, 0), key("1", "d", klarna, 2020, 0)},
			want: []string{"d []", "b []", "c []"}, legacy: []string{"d", "b", "c"},
		},
		"playground": {
			keys: []kustom.Key{key("1", "a", "api.playground.klarna.com", 2021, 0), key("1", "b", "api.playground.kustom.co", 2022, 0)},
			want: []string{"a []", "b []"}, legacy: []string{"a"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			all := rotation.Integrations(test.keys, test.holders)
			var legacy []string
			for _, i := range rotation.Legacy(all) {
				legacy = append(legacy, i.Username)
			}
			if got := summary(all); !reflect.DeepEqual(got, test.want) || !reflect.DeepEqual(legacy, test.legacy) {
				t.Errorf("the integrations are %q, the legacy ones %q; want %q and %q", got, legacy, test.want, test.legacy)
			}
		})
	}
}

func summary(all []rotation.Integration) []string {
	var texts []string
	for _, i := range all {
		text := fmt.Sprint(i.Username, " ", i.Shops)
		if i.Current {
			text += "*"
		}
		texts = append(texts, text)
	}
	return texts
}
