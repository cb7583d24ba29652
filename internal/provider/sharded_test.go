package provider_test

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// shardedEnv is an environment whose shops are in the published shards. Their states are in PostgreSQL.
type shardedEnv struct {
	*testEnv
	db   *postgres
	seed sandbox.Seed
}

// shardCount is how many shards the example has.
const shardCount = 4

func newShardedEnv(t *testing.T, o testEnvOptions) *shardedEnv {
	t.Helper()
	o.clock = clock.System{}
	s := &shardedEnv{testEnv: newTestEnv(t, o), db: startPostgres(t), seed: *o.seed}
	// As the README has it.
	first := s.checkOut(t, "fleet-sharded")
	first.set("PG_CONN_STR", s.db.url)
	if got := first.shell(t, readmeBlock(t, "fleet-sharded/README.md", "```shell\n   terraform init")); got.code != 0 {
		t.Fatalf("creating the states: %s", got.output)
	}
	return s
}

// shardOf returns the shard of a store's shops.
func shardOf(merchantID string) int {
	hash := md5.Sum([]byte(merchantID))
	return int(binary.BigEndian.Uint16(hash[:])) % shardCount
}

// shops returns the shops of a shard.
func (s *shardedEnv) shops(shard int) []sandbox.Shop {
	return slices.DeleteFunc(slices.Clone(s.seed.Shops), func(shop sandbox.Shop) bool { return shardOf(shop.MerchantID) != shard })
}

// tokens returns the Mystore tokens of a shard's shops, as JSON.
func (s *shardedEnv) tokens(t *testing.T, shard int) string {
	t.Helper()
	tokens := map[string]string{}
	for _, shop := range s.shops(shard) {
		tokens[shop.Name] = shop.Token
	}
	encoded, err := json.Marshal(tokens)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// machine returns an environment in which a shard can be run beside others, under a name that the database
// shows: with a directory and a provider of its own, and with no more tokens than it needs.
func (s *shardedEnv) machine(t *testing.T, shard int, name string) *testEnv {
	t.Helper()
	m := s.checkOut(t, "fleet-sharded")
	m.set("TF_WORKSPACE", fmt.Sprintf("shard-%d", shard))
	m.set("PG_CONN_STR", s.db.url)
	m.set("PGAPPNAME", name)
	own := maps.Clone(s.vendors)
	own["MYSTORE_TOKENS"] = s.tokens(t, shard)
	m.reattach(t, serve(t, provider.Options{
		Version: "test", Clock: clock.System{}, Getenv: func(name string) string { return own[name] },
	}, testWay()))
	m.writeShops(t, s.seed.Shops)
	// A request that is held by a test must not be repeated meanwhile.
	m.write(t, "patience_override.tf", "provider \"kustom\" {\n  request_timeout = \"10m\"\n}\n")
	m.mustInit(t)
	return m
}

// hold delays the requests that generate keys for a shard's shops. Arrived reports whether there was one for each shop, and
// letGo ends the delay.
func (s *shardedEnv) hold(shard int) (arrived func() bool, letGo func()) {
	until := make(chan struct{})
	armed := s.sandbox.Arm(sandbox.Fault{
		API: sandbox.Portal, Method: http.MethodPost, Kind: sandbox.FaultDelay, Until: until,
		Match: func(r sandbox.Request) bool { return shardOf(r.MerchantID) == shard },
	})
	return func() bool { return armed.Fired() == len(s.shops(shard)) }, func() { close(until) }
}

const waitForLock = "-lock-timeout=10m"

// TestAccShards_SwitchOneByOne applies every shard of the published list, one of which has no shops. The configuration rejects
// workspaces that are not a shard's, also a workspace of a shard that was removed.
func TestAccShards_SwitchOneByOne(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	s := newShardedEnv(t, testEnvOptions{seed: &seed})
	w := s.checkOut(t, "fleet-sharded")
	w.set("PG_CONN_STR", s.db.url)
	w.mustInit(t)
	empty, shards := 0, map[string]int{"default": 4, "shard-4": 4, "shard-00": 4, "shard-x": 4}
	for shard := range shardCount {
		workspace := fmt.Sprintf("shard-%d", shard)
		w.set("TF_WORKSPACE", workspace)
		w.mustApply(t, waitForLock)
		w.mustBeEmpty(t)
		if len(s.shops(shard)) == 0 {
			empty++
			continue
		}
		w.mustReportShops(t, sandbox.Seed{Shops: s.shops(shard)})
		if shard > 0 {
			shards[workspace] = shard
		}
	}
	if empty == 0 || len(shards) == 4 {
		t.Error("no shard is empty, or all are: the test does not show that one may be")
	}
	s.mustHaveSwitched(t, len(s.seed.Shops))
	s.mustBeSwitched(t, s.seed)

	states := s.db.query(t, "SELECT name FROM kustom_shops.states ORDER BY name")
	if want := []string{"shard-0", "shard-1", "shard-2", "shard-3"}; !slices.Equal(states, want) {
		t.Errorf("the database has the states %q, want %q", states, want)
	}
	stored := strings.Join(s.db.query(t, "SELECT data FROM kustom_shops.states"), "\n")
	if n := leaks(stored+decoded(stored), s.sandbox.Secrets()); n > 0 || !strings.Contains(stored, "kustom_mystore_fleet") {
		t.Errorf("the states hold %d secrets:\n%s", n, stored)
	}
	w.mustStoreNoSecret(t, ".terraform/terraform.tfstate")

	s.sandbox.ResetRequests()
	for workspace, count := range shards {
		w.set("TF_WORKSPACE", workspace)
		got := w.apply(t, waitForLock, fmt.Sprintf("-var=shards=%d", count))
		want := fmt.Sprintf("The workspace is %s, and the shards' are shard-0 to shard-%d.", workspace, count-1)
		if got.code != 1 || !strings.Contains(unwrapped(got.output), want) {
			t.Errorf("exit code %d, and the plan does not say %q:\n%s", got.code, want, got.output)
		}
	}
	s.mustHaveSwitched(t, 0)
}

// TestAccShards_RunAtOnce applies two shards at the same time, on two machines. Each has only the tokens of its own shops. Each
// run holds its own lock, and the shops of the other shards get no request.
func TestAccShards_RunAtOnce(t *testing.T) {
	t.Parallel()
	all := sandbox.FleetSeed(16)
	s := newShardedEnv(t, testEnvOptions{seed: &all})
	seed, written := sandbox.Seed{Stores: s.seed.Stores}, 0
	var runs []*process
	var releases []func()
	for shard := range 2 {
		arrived, letGo := s.hold(shard)
		run := s.machine(t, shard, fmt.Sprintf("machine-%d", shard)).start(t, "apply", "-auto-approve", "-input=false", "-no-color", waitForLock)
		run.await(t, arrived)
		runs, releases = append(runs, run), append(releases, letGo)
		seed.Shops, written = append(seed.Shops, s.shops(shard)...), written+len(s.shops(shard))
	}
	want := map[string]string{"shard-0": "machine-0", "shard-1": "machine-1"}
	if got := s.db.holders(t); !maps.Equal(got, want) {
		t.Errorf("the locks are held by %v, want %v", got, want)
	}
	for i, letGo := range releases {
		letGo()
		if got := runs[i].wait(t); got.code != 0 {
			t.Errorf("shard %d failed:\n%s", i, got.output)
		}
	}
	s.mustHaveSwitched(t, written)
	s.mustBeSwitched(t, seed)
	for shard := 2; shard < shardCount; shard++ {
		for _, shop := range s.shops(shard) {
			if now, _ := s.sandbox.Shop(shop.Name); now.KustomID != shop.KustomID {
				t.Errorf("shop %s of shard %d has another key", shop.Name, shard)
			}
		}
	}
	for _, r := range s.sandbox.Requests() {
		if r.Shop != "" && !slices.ContainsFunc(seed.Shops, func(shop sandbox.Shop) bool { return shop.Name == r.Shop }) {
			t.Errorf("shop %s was asked, which is not in these shards: %s %s", r.Shop, r.Method, r.Path)
		}
	}
	if written == 0 || written == len(s.seed.Shops) {
		t.Errorf("%d of the shops are in these shards: the test shows nothing", written)
	}
}

// TestAccShards_KeepSharedKeyUntilItsLastShopSwitched has two shops that share a store and a key. The merchant ID decides their
// shard, so both are in one shard, and the key stays until both have another one.
func TestAccShards_KeepSharedKeyUntilItsLastShopSwitched(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(16)
	one, other := seed.Shops[0], &seed.Shops[1]
	if shardOf(one.Name) == shardOf(other.Name) || shardOf(one.MerchantID) == shardOf(other.MerchantID) {
		t.Fatalf("%s and %s would be in one shard anyhow", one.Name, other.Name)
	}
	other.MerchantID, other.KustomID, other.KustomSecret = one.MerchantID, one.KustomID, one.KustomSecret
	s := newShardedEnv(t, testEnvOptions{seed: &seed})
	m := s.machine(t, shardOf(one.MerchantID), "machine")
	m.set("TF_VAR_shared_merchant_ids", fmt.Sprintf("[%q]", one.MerchantID))
	m.mustApply(t, waitForLock)
	m.mustBeEmpty(t)
	s.mustBeSwitched(t, sandbox.Seed{Stores: seed.Stores, Shops: seed.Shops[:2]})
	if keys := s.sandbox.Keys(one.MerchantID); len(keys) != 2 {
		t.Errorf("the store has %d keys, want one for each shop", len(keys))
	}
}

// TestAccShards_LockEachState runs one shard three times at once. The first run holds the lock until the others have tried to
// get it. The run that does not wait fails, and the database names the holder. The run that waits has nothing to do then.
func TestAccShards_LockEachState(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(16)
	s := newShardedEnv(t, testEnvOptions{seed: &seed})
	first, hasty, patient := s.machine(t, 0, "first"), s.machine(t, 0, "hasty"), s.machine(t, 0, "patient")
	arrived, letGo := s.hold(0)
	holding := first.start(t, "apply", "-auto-approve", "-input=false", "-no-color", waitForLock)
	holding.await(t, arrived)
	asked := len(s.sandbox.Requests())

	refused := hasty.apply(t)
	if output := unwrapped(refused.output); refused.code != 1 || !strings.Contains(output, "Error acquiring the state lock") ||
		!strings.Contains(output, "Workspace is already locked: shard-0") {
		t.Errorf("exit code %d; the run that does not wait is not refused for the lock:\n%s", refused.code, refused.output)
	}
	if got, want := s.db.holders(t), map[string]string{"shard-0": "first"}; !maps.Equal(got, want) {
		t.Errorf("the locks are held by %v, want %v", got, want)
	}

	waiting := patient.start(t, "apply", "-auto-approve", "-input=false", "-no-color", waitForLock)
	// A second attempt shows that the first one met the lock.
	waiting.await(t, func() bool { return s.db.triedToLock(t, "patient") >= 2 })
	if now := len(s.sandbox.Requests()); now != asked {
		t.Errorf("%d requests were made without the lock", now-asked)
	}
	letGo()
	if got := holding.wait(t); got.code != 0 {
		t.Errorf("the first run failed:\n%s", got.output)
	}
	got := waiting.wait(t)
	for _, want := range []string{"Acquiring state lock. This may take a few moments...", "No changes.", "0 added, 0 changed, 0 destroyed"} {
		if got.code != 0 || !strings.Contains(got.output, want) {
			t.Errorf("exit code %d, and the run that waited does not say %q:\n%s", got.code, want, got.output)
		}
	}
	s.mustHaveSwitched(t, len(s.shops(0)))
	s.mustBeSwitched(t, sandbox.Seed{Stores: s.seed.Stores, Shops: s.shops(0)})
	if got := s.db.holders(t); len(got) > 0 {
		t.Errorf("in the end, locks are held by %v", got)
	}
}

// TestShardWorkflow_SeparatesShards expects each shard to have its own environment, workspace and concurrency group.
func TestShardWorkflow_SeparatesShards(t *testing.T) {
	t.Parallel()
	published := parsedYAML[workflow](t, example(t, shardWorkflowFile))
	if shards := regexp.MustCompile(`variable "shards" \{\n[^}]*\n  default     = (\d+)\n`).FindStringSubmatch(example(t, "fleet-sharded/variables.tf")); shards == nil ||
		shards[1] != strconv.Itoa(shardCount) {
		t.Errorf("the configuration has %q shards, want %d", shards, shardCount)
	}
	for name, event := range map[string]string{"plan": "pull_request", "apply": "push"} {
		job := published.Jobs[name]
		if !strings.HasPrefix(job.If, fmt.Sprintf("github.event_name == '%s'", event)) {
			t.Errorf("%s: if %q", name, job.If)
		}
		if job.Strategy.FailFast == nil || *job.Strategy.FailFast {
			t.Errorf("%s: one shard's failure stops the others", name)
		}
		if !slices.Equal(job.Strategy.Matrix.Shard, []int{0, 1, 2, 3}) {
			t.Errorf("%s: the shards are %v", name, job.Strategy.Matrix.Shard)
		}
		for what, text := range map[string]string{
			"concurrency": job.Concurrency.Group, "environment": job.Environment, "workspace": job.Env["TF_WORKSPACE"],
		} {
			if !strings.Contains(text, "shard-${{ matrix.shard }}") {
				t.Errorf("%s: the %s is not a shard's: %q", name, what, text)
			}
		}
	}
}

// TestAccShardWorkflow_SwitchesShardsAtOnce runs the workflow's commands as GitHub does, two shards at once: a pull
// request's, with Mystore tokens that can only read, and those of what was merged, before and after a shop opens.
func TestAccShardWorkflow_SwitchesShardsAtOnce(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(16)
	reading := seed
	reading.Shops = slices.Clone(seed.Shops)
	for i := range reading.Shops {
		reading.Shops[i].Permissions = []string{sandbox.PermissionReadExtensions}
	}
	requested := newShardedEnv(t, testEnvOptions{seed: &reading, installed: true, hastened: true})
	merged := newShardedEnv(t, testEnvOptions{seed: &seed, installed: true, hastened: true})
	opening := seed.Shops[0]
	its := shardOf(opening.MerchantID)
	shards := []int{its, (its + 1) % shardCount}
	all := func(text string) func(int) string { return func(int) string { return text } }
	requested.stubGitHub(t)
	requested.runJob(t, "plan", shards, all("| new key |"))
	requested.mustHaveSwitched(t, 0)

	merged.stubGitHub(t)
	shops := sandbox.Seed{Stores: seed.Stores, Shops: slices.Concat(merged.shops(shards[0]), merged.shops(shards[1]))}
	merged.seed.Shops = seed.Shops[1:]
	merged.runJob(t, "plan", shards, all("| new key |"))
	merged.runJob(t, "apply", shards, all("1 added, 0 changed, 0 destroyed"))
	merged.mustHaveSwitched(t, len(shops.Shops)-1)

	// A shop that opens is nothing to another shard, nor to those in its own.
	merged.seed.Shops = seed.Shops
	merged.sandbox.ResetRequests()
	merged.runJob(t, "plan", shards, func(shard int) string {
		if shard == its {
			return "1 gets a new key"
		}
		return "unchanged; nothing needs attention"
	})
	merged.mustHaveSwitched(t, 0)
	merged.runJob(t, "apply", shards, all("0 added, "))
	merged.mustHaveSwitched(t, 1)
	merged.mustBeSwitched(t, shops)
}

// runJob runs a job of the workflow for some shards at once, each on a machine of its own, and expects
// each to say in its last step what is wanted of its shard.
func (s *shardedEnv) runJob(t *testing.T, name string, shards []int, want func(shard int) string) {
	t.Helper()
	published := parsedYAML[workflow](t, example(t, shardWorkflowFile))
	t.Run(name, func(t *testing.T) {
		for _, shard := range shards {
			t.Run(strconv.Itoa(shard), func(t *testing.T) {
				t.Parallel()
				m := s.checkOut(t, published.Defaults.Run.WorkingDirectory)
				m.writeShops(t, s.seed.Shops)
				m.unset("KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS")
				m.committed(t)
				last := m.runSteps(t, published, name, map[string]string{
					"matrix.shard": strconv.Itoa(shard), "github.run_id": "1658821493", "github.token": ciToken,
					"secrets.PG_CONN_STR": s.db.url, "secrets.KUSTOM_PORTAL_TOKEN": s.server.Env()["KUSTOM_PORTAL_TOKEN"],
					"secrets.MYSTORE_TOKENS": s.tokens(t, shard),
				})
				if last.code != 0 {
					t.Fatalf("the job failed:\n%s", last.output)
				}
				if want := want(shard); !strings.Contains(last.output, want) {
					t.Errorf("the job does not say %q:\n%s", want, last.output)
				}
			})
		}
	})
}

// TestTerragrunt_GivesEachShardItsState expects a directory for each shard, with the name of its workspace. Each leads to the
// configuration and waits for the lock.
func TestTerragrunt_GivesEachShardItsState(t *testing.T) {
	t.Parallel()
	const dir, include = "fleet-sharded-terragrunt/", "include \"root\" {\n  path = find_in_parent_folders(\"root.hcl\")\n}"
	for shard := range shardCount {
		if unit := example(t, fmt.Sprintf("%sshard-%d/terragrunt.hcl", dir, shard)); !strings.Contains(unit, include) {
			t.Errorf("shard %d does not include the root:\n%s", shard, unit)
		}
	}
	root := example(t, dir+"root.hcl")
	for _, says := range []string{
		`source = "${get_parent_terragrunt_dir()}/..//fleet-sharded"`,
		"commands = [\"init\", \"plan\", \"apply\", \"destroy\", \"import\", \"output\", \"show\", \"state\"]\n    env_vars = {\n" +
			"      TF_WORKSPACE = path_relative_to_include()\n",
		"commands  = [\"plan\", \"apply\", \"destroy\", \"import\"]\n    arguments = [\"-lock-timeout=20m\"]",
	} {
		if !strings.Contains(root, says) {
			t.Errorf("the root does not say\n%s", says)
		}
	}
}
