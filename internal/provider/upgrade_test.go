package provider_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// fixturesOf makes the fixtures of a version, those that it does not have yet.
var fixturesOf = flag.String("state-fixtures", "", "make the missing state fixtures of a `version`, such as v0.1.0")

// stateDirectory has, for every version of the provider that users may come from, what they bring: a
// directory for each of the fixtures with a configuration, the state that the provider of that version
// has left behind, and what the vendors had then.
const stateDirectory = "testdata/state"

// The files of a fixture.
const (
	fixtureConfiguration = "main.tf"
	fixtureState         = "terraform.tfstate"
	fixtureSeed          = "seed.yaml"
)

// fixtureTime is when fixtures are made. Their keys are as old as they were then whenever they are used.
var fixtureTime = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

// configurations returns what a version's fixtures are made of, by name: the newest that there is of each, which may be the
// version's own.
func configurations(t *testing.T) map[string]string {
	t.Helper()
	versionOf := func(dir string) *version.Version {
		return version.Must(version.NewVersion(filepath.Base(filepath.Dir(dir))))
	}
	dirs := fixtures(t)
	slices.SortFunc(dirs, func(a, b string) int { return versionOf(a).Compare(versionOf(b)) })
	all := map[string]string{}
	for _, dir := range dirs {
		all[filepath.Base(dir)] = read(t, filepath.Join(dir, fixtureConfiguration))
	}
	return all
}

// TestAccStateFixtures creates the missing fixtures of a version, for make state-fixtures. It never changes one: users come
// from the version that was released.
func TestAccStateFixtures(t *testing.T) {
	if *fixturesOf == "" {
		t.Skip("nothing to make: see make state-fixtures")
	}
	for name, configuration := range configurations(t) {
		dir := filepath.Join(stateDirectory, *fixturesOf, name)
		if _, err := os.Stat(filepath.Join(dir, fixtureState)); err == nil {
			continue
		}
		seed := sandbox.ThreeShops()
		w := newTestEnv(t, testEnvOptions{seed: &seed, clock: clocktest.New(fixtureTime)})
		w.write(t, fixtureConfiguration, configuration)
		w.mustApply(t)
		// The second run leaves behind, in private state, what a look at the vendors does.
		w.mustApply(t)
		w.mustBeEmpty(t)
		left, err := yaml.Marshal(w.seed(t, seed))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		for file, content := range map[string]string{
			fixtureConfiguration: configuration, fixtureState: read(t, filepath.Join(w.dir, "terraform.tfstate")), fixtureSeed: string(left),
		} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// seed returns what the vendors have now, as a seed.
func (w *testEnv) seed(t *testing.T, before sandbox.Seed) sandbox.Seed {
	t.Helper()
	now := before
	now.Stores, now.Shops = nil, nil
	for _, store := range before.Stores {
		store.Keys = w.sandbox.Keys(store.MerchantID)
		now.Stores = append(now.Stores, store)
	}
	for _, shop := range before.Shops {
		found, ok := w.sandbox.Shop(shop.Name)
		if !ok {
			t.Fatalf("shop %s is gone", shop.Name)
		}
		now.Shops = append(now.Shops, found)
	}
	return now
}

// fixtures returns the directories of all versions' fixtures.
func fixtures(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(stateDirectory, "v*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("there are no state fixtures")
	}
	return found
}

// TestAccUpgrade_ChangesNothing plans and applies the state of each earlier version. Nothing changes.
func TestAccUpgrade_ChangesNothing(t *testing.T) {
	t.Parallel()
	for _, dir := range fixtures(t) {
		t.Run(strings.TrimPrefix(dir, stateDirectory+"/"), func(t *testing.T) {
			t.Parallel()
			seed, err := sandbox.LoadSeed(filepath.Join(dir, fixtureSeed))
			if err != nil {
				t.Fatal(err)
			}
			w := newTestEnv(t, testEnvOptions{seed: &seed, clock: clocktest.New(fixtureTime.Add(time.Hour))})
			for _, file := range []string{fixtureConfiguration, fixtureState} {
				w.write(t, file, read(t, filepath.Join(dir, file)))
			}
			if r := w.mustApply(t); !strings.Contains(r.output, "0 added, 0 changed, 0 destroyed") {
				t.Errorf("the upgrade changes something:\n%s", r.output)
			}
			w.mustBeEmpty(t)
			mustHaveChangedInOrder(t, w)
			w.sandbox.wantViolations(t)
		})
	}
}

// TestStateFixtures_HaveEverySchemaVersion expects a fixture of every schema version of each resource. The provider must be
// able to read each of them for ever.
func TestStateFixtures_HaveEverySchemaVersion(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, dir := range fixtures(t) {
		var state struct {
			Resources []struct {
				Type      string `json:"type"`
				Instances []struct {
					SchemaVersion int64 `json:"schema_version"`
				} `json:"instances"`
			} `json:"resources"`
		}
		if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, fixtureState))), &state); err != nil {
			t.Fatal(err)
		}
		for _, object := range state.Resources {
			for _, instance := range object.Instances {
				seen[fmt.Sprint(object.Type, " ", instance.SchemaVersion)] = true
			}
		}
	}
	server, err := providerserver.NewProtocol6WithError(provider.New(provider.Options{})())()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range schemas.ResourceSchemas {
		for version := range schema.Version + 1 {
			if !seen[fmt.Sprint(name, " ", version)] {
				t.Errorf("no fixture has a %s of schema version %d: see make state-fixtures", name, version)
			}
		}
	}
}
