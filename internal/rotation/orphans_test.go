package rotation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestOrphanCandidates_ReturnsUnusedKeysOnce(t *testing.T) {
	t.Parallel()
	used := noon.Add(time.Hour)
	for name, test := range map[string]struct {
		shops  map[string]string
		change func(key *kustom.Key)
		known  []rotation.KeyRef
		since  time.Time
		before func(env *testEnv)
		named  bool
	}{
		"no shop has it":           {shops: map[string]string{"a": "M1-old"}, named: true},
		"there is no shop":         {named: true},
		"a shop has it":            {shops: map[string]string{"a": "M1-orphan"}},
		"a shop can't be read":     {shops: map[string]string{"dead": "M1-orphan"}},
		"used":                     {shops: map[string]string{"a": "M1-old"}, change: func(key *kustom.Key) { key.LastUsedAt = &used }},
		"of another description":   {shops: map[string]string{"a": "M1-old"}, change: func(key *kustom.Key) { key.Description = new(string) }},
		"without description":      {shops: map[string]string{"a": "M1-old"}, change: func(key *kustom.Key) { key.Description = nil }},
		"no key has a description": {shops: map[string]string{"a": "M1-old"}, change: func(key *kustom.Key) { key.Description = nil }, before: func(env *testEnv) { env.portal.noDescriptions = true }, named: true},
		"no key has a description, as new as the caller's": {
			shops: map[string]string{"a": "M1-old"}, since: noon.Add(-time.Hour), before: func(env *testEnv) { env.portal.noDescriptions = true }, named: true,
		},
		"no key has a description, an hour older than the caller's": {
			shops: map[string]string{"a": "M1-old"}, since: noon, before: func(env *testEnv) { env.portal.noDescriptions = true }, named: true,
		},
		"no key has a description, over a day older than the caller's": {
			shops: map[string]string{"a": "M1-old"}, since: noon.Add(24 * time.Hour), before: func(env *testEnv) { env.portal.noDescriptions = true },
		},
		"older than the caller's":        {shops: map[string]string{"a": "M1-old"}, since: noon.Add(-time.Minute), named: true},
		"the caller has it":              {shops: map[string]string{"a": "M1-old"}, known: []rotation.KeyRef{ref(m1("M1-orphan"))}},
		"another object has it":          {shops: map[string]string{"a": "M1-old"}, before: func(env *testEnv) { env.engine.MarkManaged("M1-orphan") }},
		"the run has returned it before": {shops: map[string]string{"a": "M1-old"}, before: func(env *testEnv) { _, _ = env.engine.OrphanCandidates(env.Context(), "M1", "terraform", time.Time{}) }},
	} {
		t.Run(name, func(t *testing.T) {
			description := rotation.DefaultDescription
			orphaned := m1("M1-orphan")
			orphaned.Description, orphaned.CreatedAt, orphaned.LastUsedAt = &description, noon.Add(-time.Hour), nil
			if test.change != nil {
				test.change(&orphaned)
			}
			env := newTestEnv(t, test.shops, m1("M1-old"), orphaned)
			env.shops.before = failDead
			if test.before != nil {
				test.before(env)
			}
			candidates, err := env.engine.OrphanCandidates(t.Context(), "M1", rotation.DefaultDescription, test.since, test.known...)
			if err != nil || slices.ContainsFunc(candidates, func(key kustom.Key) bool { return key.Username == "M1-orphan" }) != test.named {
				t.Errorf("the candidates are %v, error %v", candidates, err)
			}
		})
	}
}

func TestOrphanCandidatesFor_LeavesOutKnownKeys(t *testing.T) {
	t.Parallel()
	description := rotation.DefaultDescription
	var keys []kustom.Key
	for _, username := range []string{"M1-own", "M1-goes", "M1-stays", "M1-unsettled", "M1-retired", "M1-orphan"} {
		key := m1(username)
		key.Description, key.CreatedAt, key.LastUsedAt = &description, noon.Add(-time.Hour), nil
		keys = append(keys, key)
	}
	record := rotation.Record{MerchantID: "M1", CredentialID: "id-M1-own", Username: "M1-own", Memory: rotation.Memory{
		Undeleted: []kustom.Orphan{orphan("M1-unsettled")}, Retired: []rotation.RetiredKey{{KeyRef: ref(keys[4])}},
	}}
	plan := rotation.Plan{Shop: "a", MerchantID: "M1", Delete: []rotation.KeyRef{ref(keys[1])}, Keep: []rotation.KeyRef{ref(keys[2])}}
	for name, test := range map[string]struct{ undescribed, generates, named bool }{
		"described":                  {named: true},
		"described, with a new key":  {generates: true, named: true},
		"undescribed":                {undescribed: true, named: true},
		"undescribed, and a new key": {undescribed: true, generates: true},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-x"}, keys...)
			c, plan := config(), plan
			c.NoDescriptions, env.portal.noDescriptions, plan.Generate = test.undescribed, test.undescribed, test.generates
			candidates, err := env.engine.OrphanCandidatesFor(t.Context(), c, plan, &record)
			if err != nil || test.named != (len(candidates) == 1 && candidates[0].Username == "M1-orphan") || !test.named && len(candidates) > 0 {
				t.Errorf("the candidates are %v, error %v", candidates, err)
			}
		})
	}
}
