package provider_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// The published pipelines.
const (
	planWorkflowFile   = "github-actions/workflow.yml"
	shardWorkflowFile  = "fleet-sharded/github-actions.yml"
	gitlabPipelineFile = "gitlab-ci/gitlab-ci.yml"
)

// parsedYAML returns the parts of a YAML file that the tests use.
func parsedYAML[T any](t *testing.T, content string) T {
	t.Helper()
	var of T
	if err := yaml.Unmarshal([]byte(content), &of); err != nil {
		t.Fatal(err)
	}
	return of
}

// workflow has the parts of a GitHub Actions workflow that the tests use.
type workflow struct {
	On          map[string]any
	Permissions map[string]string
	Defaults    struct {
		Run struct {
			Shell            string
			WorkingDirectory string `yaml:"working-directory"`
		}
	}
	Env  map[string]string
	Jobs map[string]workflowJob
}

type workflowJob struct {
	If, Environment string
	Permissions     map[string]string
	Strategy        struct {
		FailFast *bool `yaml:"fail-fast"`
		Matrix   struct{ Shard []int }
	}
	Concurrency struct {
		Group            string
		CancelInProgress bool `yaml:"cancel-in-progress"`
	}
	Env   map[string]string
	Steps []workflowStep
}

type workflowStep struct {
	ID, Name, If, Uses, Run string
	With                    map[string]any
	Env                     map[string]string
}

// gitlabPipeline has the parts of a GitLab pipeline that the tests use.
type gitlabPipeline struct {
	Stages    []string
	Variables map[string]string
	Default   struct {
		BeforeScript []string `yaml:"before_script"`
	}
	Plan, Apply, Look gitlabJob
}

type gitlabJob struct {
	Rules         []struct{ If string }
	Environment   struct{ Name, Action string }
	Interruptible bool
	ResourceGroup string `yaml:"resource_group"`
	Script        []string
	Artifacts     struct {
		Access string
		Paths  []string
	}
}

// TestGitLabPipeline_AppliesOnlyWhatWasReviewed expects a read-only lock file, a separate environment for applies, and an apply
// only after the merge and only of a saved plan.
func TestGitLabPipeline_AppliesOnlyWhatWasReviewed(t *testing.T) {
	t.Parallel()
	p := parsedYAML[gitlabPipeline](t, example(t, gitlabPipelineFile))
	for _, job := range []gitlabJob{p.Plan, p.Look} {
		script := strings.Join(job.Script, "\n")
		if job.Environment.Name != "shops-plan" || job.Environment.Action != "access" || len(job.Rules) != 1 || strings.Contains(script, "terraform apply") {
			t.Errorf("what nobody has reviewed may be applied: %+v", job)
		}
	}
	if p.Apply.Environment.Name != "shops" || p.Apply.Interruptible || p.Apply.ResourceGroup == "" ||
		len(p.Apply.Rules) != 1 || p.Apply.Rules[0].If != `$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH` {
		t.Errorf("the apply is %+v", p.Apply)
	}
	if last := p.Apply.Script[len(p.Apply.Script)-1]; !strings.HasPrefix(last, "terraform apply ") || !strings.HasSuffix(last, " saved.tfplan") {
		t.Errorf("another plan may be applied than the one that was reviewed: %s", last)
	}
	if !slices.Contains(p.Default.BeforeScript, "terraform init -lockfile=readonly") {
		t.Error("another provider than that of the lock file may be taken")
	}
	if p.Plan.Artifacts.Access != "developer" {
		t.Errorf("the plan may be read by %s", p.Plan.Artifacts.Access)
	}
}

var (
	pinnedAction = regexp.MustCompile(`^ +(- )?uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	usesSecret   = regexp.MustCompile(`secrets\.|github\.token`)
)

// TestWorkflows_ApplyOnlyWhatWasReviewed expects pinned actions, few permissions, secrets only in the environment of steps, and
// an apply only after the merge and only of a saved plan.
func TestWorkflows_ApplyOnlyWhatWasReviewed(t *testing.T) {
	t.Parallel()
	type permitted struct {
		events      []string
		plan, apply map[string]string
	}
	applies := map[string]string{"contents": "read", "actions": "read", "pull-requests": "read"}
	for file, permissions := range map[string]permitted{
		shardWorkflowFile: {events: []string{"pull_request", "push"}, apply: applies},
		planWorkflowFile: {
			events: []string{"pull_request", "push", "schedule"},
			plan:   map[string]string{"contents": "read", "pull-requests": "write"}, apply: applies,
		},
	} {
		published := parsedYAML[workflow](t, example(t, file))
		if !maps.Equal(published.Permissions, map[string]string{"contents": "read"}) {
			t.Errorf("%s: the workflow's permissions are %v", file, published.Permissions)
		}
		push, _ := published.On["push"].(map[string]any)
		if events := slices.Sorted(maps.Keys(published.On)); !slices.Equal(events, permissions.events) || fmt.Sprint(push["branches"]) != "[main]" {
			t.Errorf("%s: the workflow runs on %+v", file, published.On)
		}
		for line := range strings.Lines(example(t, file)) {
			if strings.Contains(line, "uses:") && !pinnedAction.MatchString(strings.TrimRight(line, "\n")) {
				t.Errorf("%s: not pinned to a commit, with its version beside it: %s", file, line)
			}
		}
		plan, apply, look := published.Jobs["plan"], published.Jobs["apply"], published.Jobs["look"]
		if len(published.Jobs) != len(permissions.events) || apply.Concurrency.CancelInProgress {
			t.Errorf("%s: there are other jobs, or an apply can be cancelled", file)
		}
		if look.Environment == apply.Environment || len(look.Permissions) > 0 {
			t.Errorf("%s: the nightly run may do more than read", file)
		}
		if plan.Environment == apply.Environment || plan.Environment == "" || apply.Environment == "" {
			t.Errorf("%s: a pull request has the secrets of an apply", file)
		}
		if !strings.HasPrefix(plan.If, "github.event_name == 'pull_request'") || apply.If != "github.event_name == 'push'" {
			t.Errorf("%s: plans if %q, and applies if %q", file, plan.If, apply.If)
		}
		if !maps.Equal(plan.Permissions, permissions.plan) || !maps.Equal(apply.Permissions, permissions.apply) {
			t.Errorf("%s: plan has the permissions %v, apply %v", file, plan.Permissions, apply.Permissions)
		}
		for _, step := range slices.Concat(plan.Steps, apply.Steps, look.Steps) {
			if strings.Contains(step.Run, "terraform init") && !strings.Contains(step.Run, "-lockfile=readonly") {
				t.Errorf("%s: %s: another provider than that of the lock file may be taken: %s", file, step.Name, step.Run)
			}
			if strings.Contains(step.Run, "${{") {
				t.Errorf("%s: %s: a shell would run whatever the expression becomes: %s", file, step.Name, step.Run)
			}
			if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
				t.Errorf("%s: the checkout keeps the token", file)
			}
			if strings.Contains(step.Run, "| ") && published.Defaults.Run.Shell != "bash" {
				t.Errorf("%s: %s: without shell: bash, only the last command of a pipe can fail", file, step.Name)
			}
		}
		for _, env := range []map[string]string{published.Env, plan.Env, apply.Env, look.Env} {
			for name, value := range env {
				if usesSecret.MatchString(value) {
					t.Errorf("%s: every action can read %s", file, name)
				}
			}
		}
		for _, step := range slices.Concat(plan.Steps, look.Steps) {
			if strings.Contains(step.Run, "terraform apply") {
				t.Errorf("%s: what nobody has reviewed is applied: %s", file, step.Run)
			}
		}
		for _, step := range apply.Steps {
			if strings.Contains(step.Run, "terraform apply") && !strings.HasSuffix(step.Run, " saved.tfplan") {
				t.Errorf("%s: another plan is applied than the one that was reviewed: %s", file, step.Run)
			}
		}
	}
}

// ci is a host of pipelines. Change 7 is proposed to it, planned, merged and applied.
type ci interface {
	// run runs a job of the pipeline for a commit: "plan", "apply" or "look".
	run(t *testing.T, job, commit string) run
	// comments are those of the change.
	comments(t *testing.T) []ciComment
	// usePortalToken gives the jobs another token.
	usePortalToken(token string)
}

// ciComment is a comment as both hosts have it, and as the stand-ins keep it.
type ciComment struct{ Author, Body string }

const (
	ciBot   = "github-actions[bot]"
	ciToken = "the-jobs-own"
)

// otherComments were there before the pipeline.
var otherComments = []ciComment{{"somebody", "<!-- plan of the shops --> is what it begins with."}, {ciBot, "Something else."}}

// TestAccPipelines_ApplyReviewedPlan proposes a change, pushes to it and merges it. Its plan is one comment, which is brought
// up to date and leaves those of others alone. What is merged is applied: the plan that was reviewed, or nothing.
func TestAccPipelines_ApplyReviewedPlan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed  sandbox.Seed
		start func(*testing.T, *testEnv) ci
	}{
		// So many shops that the plan does not fit into a comment.
		"GitHub": {sandbox.FleetSeed(80), func(t *testing.T, w *testEnv) ci { return w.onGitHub(t, example(t, planWorkflowFile)) }},
		"GitLab": {sandbox.ThreeShops(), func(t *testing.T, w *testEnv) ci { return w.onGitLab(t, example(t, gitlabPipelineFile)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, testEnvOptions{seed: &test.seed, installed: true, hastened: true}).checkOut(t, path.Dir(planWorkflowFile))
			shops := map[string]string{}
			for _, shop := range test.seed.Shops {
				shops[shop.Name] = shop.MerchantID
			}
			w.writeVariable(t, "shops", shops)
			host := test.start(t, w)
			merge := w.committed(t)
			n := len(shops)
			plan := fmt.Sprintf("Plan for %d shops: %d get a new key", n, n)
			mustEnd := func(job, commit string, code int, says string) {
				t.Helper()
				if got := host.run(t, job, commit); got.code != code || !strings.Contains(got.output, says) {
					t.Fatalf("%s of %s: exit code %d, want %d and %q:\n%s", job, commit, got.code, code, says, got.output)
				}
			}
			mustComment := func(says ...string) {
				t.Helper()
				now := host.comments(t)
				if len(now) != 3 || !slices.Equal(now[:2], otherComments) {
					t.Fatalf("the comments are %+v", now)
				}
				for _, text := range append(says, "<!-- plan of the shops -->\n") {
					if !strings.Contains(now[2].Body, text) {
						t.Errorf("the comment does not say %q:\n%.500s", text, now[2].Body)
					}
				}
				if len(now[2].Body) > 65536 || leaks(now[2].Body, append(w.sandbox.Secrets(), ciToken)) > 0 {
					t.Errorf("the comment has %d characters, or a secret", len(now[2].Body))
				}
			}

			host.usePortalToken("expired")
			mustEnd("plan", "c0ffee1", 1, "")
			mustComment("**The plan failed.**", "Kustom Portal rejects the token", "Planned for c0ffee1")
			mustEnd("apply", "c0ffee1", 1, "No plan of these files was reviewed")

			host.usePortalToken(w.server.Env()["KUSTOM_PORTAL_TOKEN"])
			mustEnd("plan", "c0ffee2", 0, "")
			mustComment("**"+plan, fmt.Sprintf("; %d keys deleted now", n), "| "+test.seed.Shops[0].Name+" |", "Planned for c0ffee2")
			// In the night, it is still to be merged.
			mustEnd("look", "c0ffee2", 2, plan)

			// What was merged in between was not reviewed.
			w.write(t, "another.tf", "locals {}\n")
			merge("another")
			mustEnd("apply", "c0ffee2", 1, "No plan of these files was reviewed")
			w.mustHaveSwitched(t, 0)
			if err := os.Remove(filepath.Join(w.dir, "another.tf")); err != nil {
				t.Fatal(err)
			}
			merge("the change")

			mustEnd("apply", "c0ffee2", 0, fmt.Sprintf("%d added, 0 changed, 0 destroyed", n))
			w.mustHaveSwitched(t, n)
			w.mustBeSwitched(t, test.seed)
			// The plan is of a state that has changed since.
			mustEnd("apply", "c0ffee2", 1, "Saved plan is stale")
			mustEnd("look", "c0ffee2", 0, "")
		})
	}
}

// TestAccInitPipeline_AppliesReviewedPlan runs the pipeline that init has written, in the folder that it has written, from the
// plan to the apply of that very plan.
func TestAccInitPipeline_AppliesReviewedPlan(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T, *testEnv) ci{
		"github": func(t *testing.T, w *testEnv) ci {
			return w.onGitHub(t, read(t, filepath.Join(w.dir, ".github/workflows/shops.yml")))
		},
		"gitlab": func(t *testing.T, w *testEnv) ci {
			return w.onGitLab(t, read(t, filepath.Join(w.dir, ".gitlab-ci.yml")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed, installed: true, hastened: true, way: waysAPIs})
			w.dir = filepath.Join(t.TempDir(), "shops")
			cmd := exec.CommandContext(t.Context(), builtProvider(t), "init", "--ci", name, w.dir)
			cmd.Env = w.env
			if got := finish(t, cmd); got.code != 0 {
				t.Fatal(got.output)
			}
			host := start(t, w)
			w.committed(t)
			planned := host.run(t, "plan", "c0ffee2")
			comments := host.comments(t)
			if planned.code != 0 || !strings.Contains(comments[len(comments)-1].Body, "Plan for 3 shops: 3 get a new key") {
				t.Fatalf("exit code %d, and the comments are %q:\n%s", planned.code, comments, planned.output)
			}
			if got := host.run(t, "apply", "c0ffee2"); got.code != 0 || !strings.Contains(got.output, "3 added, 0 changed, 0 destroyed") {
				t.Fatalf("exit code %d:\n%s", got.code, got.output)
			}
			w.mustHaveSwitched(t, len(seed.Shops))
			w.mustBeSwitched(t, seed)
		})
	}
}

// committed makes a repository of the environment's files, with the lock file of the providers. Commit commits them again.
func (w *testEnv) committed(t *testing.T) (commit func(message string)) {
	t.Helper()
	if got := w.terraform(t, "init", "-backend=false", "-input=false", "-no-color"); got.code != 0 {
		t.Fatal(got.output)
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=agency", "-c", "user.email=agency@example.com"}, args...)...)
		cmd.Dir = w.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	git("init", "-q")
	// What a run leaves behind does not belong to it.
	w.write(t, ".git/info/exclude", "*\n!*.tf\n!*.tfvars*\n!*.csv\n!.terraform.lock.hcl\n")
	commit = func(message string) {
		t.Helper()
		git("add", "--all")
		git("commit", "-q", "--allow-empty", "-m", message)
	}
	commit("the change")
	return commit
}

// needTools skips a test of a pipeline if one of the programs of its host is missing.
func (w *testEnv) needTools(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s, which the pipeline's host has", program)
		}
	}
	w.bin = t.TempDir()
}

// stub installs a script as a program for the steps of a pipeline.
func (w *testEnv) stub(t *testing.T, program, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.bin, program), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

// shell runs a script as CI does. What is tested has the name terraform in it.
func (w *testEnv) shell(t *testing.T, script string) run {
	t.Helper()
	bin := t.TempDir()
	tested, err := exec.LookPath(w.command(t.Context()).Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(tested, filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", script)
	path := []string{bin, w.bin, os.Getenv("PATH")}
	cmd.Dir, cmd.Env = w.dir, append(slices.Clone(w.env), "PATH="+strings.Join(path, string(os.PathListSeparator)))
	return finish(t, cmd)
}

// gitHub runs the jobs of a workflow.
type gitHub struct {
	*testEnv
	workflow workflow
	// values are what the workflow's expressions become.
	values map[string]string
}

// onGitHub gives an environment what a job has there: the workflow's secrets, and GitHub's command line.
func (w *testEnv) onGitHub(t *testing.T, content string) ci {
	t.Helper()
	w.stubGitHub(t)
	env := w.server.Env()
	w.unset("KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS")
	return &gitHub{w, parsedYAML[workflow](t, content), map[string]string{
		"github.ref": "refs/pull/7/merge", "github.token": ciToken, "github.event.number": "7",
		"secrets.PG_CONN_STR": startPostgres(t).url, "secrets.KUSTOM_PORTAL_TOKEN": env["KUSTOM_PORTAL_TOKEN"], "secrets.MYSTORE_TOKENS": env["MYSTORE_TOKENS"],
	}}
}

func (g *gitHub) usePortalToken(token string) { g.values["secrets.KUSTOM_PORTAL_TOKEN"] = token }

func (g *gitHub) run(t *testing.T, job, commit string) run {
	t.Helper()
	g.values["github.event.pull_request.head.sha"] = commit
	return g.runSteps(t, g.workflow, job, g.values)
}

// gitHubComment is a comment, as GitHub's API has it.
type gitHubComment struct {
	ID   int64                  `json:"id"`
	User struct{ Login string } `json:"user"`
	Body string                 `json:"body"`
}

func (g *gitHub) comments(t *testing.T) []ciComment {
	t.Helper()
	var now []gitHubComment
	if err := json.Unmarshal([]byte(read(t, filepath.Join(g.bin, "comments.json"))), &now); err != nil {
		t.Fatal(err)
	}
	var comments []ciComment
	for _, c := range now {
		comments = append(comments, ciComment{c.User.Login, c.Body})
	}
	return comments
}

// runSteps runs the commands of a workflow's job as GitHub does, and returns the last that was run or has
// failed. What expressions become is in values.
func (w *testEnv) runSteps(t *testing.T, published workflow, name string, values map[string]string) run {
	t.Helper()
	job, values := published.Jobs[name], maps.Clone(values)
	var last, failed run
	for _, step := range job.Steps {
		if failed.code != 0 && !strings.Contains(step.If, "!cancelled()") {
			values["steps."+step.ID+".outcome"] = "skipped"
			continue
		}
		if strings.HasPrefix(step.Uses, "actions/upload-artifact@") {
			w.upload(t, step, values)
		}
		if step.Run == "" {
			continue
		}
		there := *w
		outputs := filepath.Join(t.TempDir(), "outputs")
		there.set("GITHUB_OUTPUT", outputs)
		there.set("GITHUB_STEP_SUMMARY", filepath.Join(filepath.Dir(outputs), "summary"))
		for _, env := range []map[string]string{published.Env, job.Env, step.Env} {
			for name, value := range env {
				there.set(name, expanded(t, value, values))
			}
		}
		last = there.shell(t, step.Run)
		outcome := "success"
		if last.code != 0 {
			outcome, failed = "failure", last
		}
		values["steps."+step.ID+".outcome"] = outcome
		written, err := os.ReadFile(outputs)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(written)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			values["steps."+step.ID+".outputs."+name] = value
		}
	}
	if failed.code != 0 {
		return failed
	}
	return last
}

// upload keeps what a step uploads where the stand-in of GitHub's command line finds it.
func (w *testEnv) upload(t *testing.T, step workflowStep, values map[string]string) {
	t.Helper()
	name, file := expanded(t, fmt.Sprint(step.With["name"]), values), path.Base(fmt.Sprint(step.With["path"]))
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	entry, err := writer.Create(file)
	if err == nil {
		_, err = io.WriteString(entry, read(t, filepath.Join(w.dir, file)))
	}
	if err := errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	w.stub(t, name+".zip", archive.String())
	secrets := append(w.sandbox.Secrets(), values["secrets.PG_CONN_STR"])
	unpacked := map[string]string{}
	if err := unzip(filepath.Join(w.dir, file), file, unpacked); err != nil {
		t.Fatal(err)
	}
	if n := leaks(strings.Join(slices.Collect(maps.Values(unpacked)), "\n"), secrets); n > 0 {
		t.Errorf("the plan, which is kept, has %d secrets", n)
	}
}

var expression = regexp.MustCompile(`\$\{\{ (.+?) \}\}`)

// expanded replaces a workflow's expressions by their values.
func expanded(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := values[expression.FindStringSubmatch(found)[1]]
		if !ok {
			t.Errorf("the workflow uses %s", found)
		}
		return value
	})
}

// github stands in for GitHub's command line: it has the comments of one pull request, in a file.
const github = `#!/usr/bin/env bash
set -euo pipefail
test "$GH_TOKEN" = the-jobs-own && test "$1" = api
shift
method=GET filter=. body=/dev/null
while [ $# -gt 0 ]; do
  case $1 in
  --paginate | --silent) ;;
  --method) method=$2 && shift ;;
  --jq) filter=$2 && shift ;;
  --field) body=${2#body=@} && test "$body" != "$2" && shift ;;
  -*) exit 1 ;;
  *) path=$1 ;;
  esac
  shift
done
case "$method $path" in
"GET repos/agency/shops/commits/$GITHUB_SHA/pulls")
  exec jq --null-input --raw-output \
    '[{merge_commit_sha: "another", head: {sha: "f0f0"}}, {merge_commit_sha: env.GITHUB_SHA, head: {sha: env.PLANNED}}] | '"$filter" ;;
"GET repos/agency/shops/actions/artifacts?name="*)
  name=${path#*name=}
  name=${name%"&per_page=100"}
  test -f "${COMMENTS%/*}/$name.zip" && there=true || there=false
  # Besides the right one, there are those of a fork and of another pull request, which are newer.
  exec jq --null-input --raw-output --argjson there "$there" --arg url "https://api.github.com/artifacts" --arg name "$name" \
    '[{expired: false, created_at: "2026-11-02", archive_download_url: "\($url)/\($name)", workflow_run: {head_sha: env.PLANNED, repository_id: 1, head_repository_id: 1}}] as $own
    | {artifacts: ((if $there then $own else [] end) + ($own | map(.created_at = "2026-11-03", .created_at = "2026-11-04")
      | [.[0] * {archive_download_url: "\($url)/fork", workflow_run: {head_repository_id: 2}}, .[1] * {archive_download_url: "\($url)/other", workflow_run: {head_sha: "f0f0"}}]))} | '"$filter" ;;
"GET artifacts/"*) exec cat "${COMMENTS%/*}/${path#artifacts/}.zip" ;;
"GET repos/agency/shops/issues/7/comments") exec jq --raw-output "$filter" "$COMMENTS" ;;
"POST repos/agency/shops/issues/7/comments")
  change='. + [{id: (length + 5000000000), user: {login: "github-actions[bot]"}, body: $body}]' ;;
"PATCH repos/agency/shops/issues/comments/"*)
  change='map(if .id == ($id | tonumber) then .body = $body else . end)' ;;
*) exit 1 ;;
esac
jq --rawfile body "$body" --arg id "${path##*/}" "$change" "$COMMENTS" >"$COMMENTS.new"
mv "$COMMENTS.new" "$COMMENTS"
`

// stubGitHub puts the stand-in for GitHub's command line where the steps of a workflow find it.
func (w *testEnv) stubGitHub(t *testing.T) {
	t.Helper()
	w.needTools(t, "jq", "unzip")
	w.stub(t, "gh", github)
	comments := []map[string]any{}
	for i, c := range otherComments {
		comments = append(comments, map[string]any{"id": i + 1, "user": map[string]string{"login": c.Author}, "body": c.Body})
	}
	w.stub(t, "comments.json", string(encodedJSON(t, comments)))
	for name, value := range map[string]string{
		"GITHUB_REPOSITORY": "agency/shops", "GITHUB_SHA": "5ad5", "PLANNED": "c0ffee2", "COMMENTS": filepath.Join(w.bin, "comments.json"),
	} {
		w.set(name, value)
	}
}

// gitLab runs the jobs of a pipeline, and stands in for GitLab's API as far as the pipeline needs it. It has one project, with
// merge request 7.
type gitLab struct {
	*testEnv
	pipeline gitlabPipeline

	mu    sync.Mutex
	notes []ciComment
	// planned is the commit of the merge request, and merged the one that main has of it; empty before.
	planned, merged string
	// artifacts are those of the last job that planned, by name.
	artifacts map[string]string
}

// onGitLab gives an environment what a job has there: the API, its variables, and the tools of the image.
func (w *testEnv) onGitLab(t *testing.T, content string) ci {
	t.Helper()
	w.needTools(t, "curl", "jq")
	// The tools are there already.
	w.stub(t, "apk", "#!/bin/sh\n")
	g := &gitLab{testEnv: w, pipeline: parsedYAML[gitlabPipeline](t, content), notes: slices.Clone(otherComments)}
	server := httptest.NewServer(g.routes(t))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"CI_API_V4_URL": server.URL, "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_BRANCH": "main",
		"GITLAB_TOKEN": ciToken, "PG_CONN_STR": startPostgres(t).url,
	} {
		w.set(name, value)
	}
	return g
}

func (g *gitLab) usePortalToken(token string) { g.set("KUSTOM_PORTAL_TOKEN", token) }

func (g *gitLab) comments(*testing.T) []ciComment {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.notes)
}

// run runs a job's commands as GitLab does, in one shell, and keeps the artifacts of a job that has ended well. What is applied
// has been merged.
func (g *gitLab) run(t *testing.T, name, commit string) run {
	t.Helper()
	job := map[string]gitlabJob{"plan": g.pipeline.Plan, "apply": g.pipeline.Apply, "look": g.pipeline.Look}[name]
	g.mu.Lock()
	if g.planned = commit; name == "apply" {
		commit = "3e26ed"
		g.merged = commit
	}
	g.mu.Unlock()
	there := *g.testEnv
	there.set("CI_COMMIT_SHA", commit)
	for name, value := range g.pipeline.Variables {
		there.set(name, value)
	}
	got := there.shell(t, strings.Join(append(slices.Clone(g.pipeline.Default.BeforeScript), job.Script...), "\n"))
	if got.code == 0 && len(job.Artifacts.Paths) > 0 {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.artifacts = map[string]string{}
		for _, name := range job.Artifacts.Paths {
			g.artifacts[name] = read(t, filepath.Join(g.dir, name))
		}
	}
	return got
}

func (g *gitLab) routes(t *testing.T) http.Handler {
	mux := http.NewServeMux()
	list := func(pattern string, answer func(*http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			g.mu.Lock()
			defer g.mu.Unlock()
			if r.Header.Get("Authorization") != "Bearer "+ciToken {
				http.Error(w, `{"message":"401 Unauthorized"}`, http.StatusUnauthorized)
				return
			}
			if found := answer(r); found == nil {
				http.NotFound(w, r)
			} else if text, ok := found.(string); ok {
				_, _ = fmt.Fprint(w, text)
			} else if err := json.NewEncoder(w).Encode(found); err != nil {
				t.Error(err)
			}
		})
	}
	type object = map[string]any
	const project = "/projects/5"
	ids := map[string]int{ciBot: 41, "somebody": 42}
	list("GET /user", func(*http.Request) any { return object{"id": ids[ciBot]} })
	list("GET "+project+"/merge_requests/7/notes", func(*http.Request) any {
		var notes []object
		for i, n := range g.notes {
			notes = append(notes, object{"id": i, "author": object{"id": ids[n.Author]}, "body": n.Body})
		}
		return notes
	})
	list("POST "+project+"/merge_requests/7/notes", func(r *http.Request) any {
		g.notes = append(g.notes, ciComment{ciBot, r.FormValue("body")})
		return object{}
	})
	list("PUT "+project+"/merge_requests/7/notes/{note}", func(r *http.Request) any {
		i, err := strconv.Atoi(r.PathValue("note"))
		if err != nil || i >= len(g.notes) {
			return nil
		}
		g.notes[i].Body = r.FormValue("body")
		return object{}
	})
	list("GET "+project+"/repository/commits/{commit}/merge_requests", func(r *http.Request) any {
		requests := []object{{"iid": 6, "state": "opened", "target_branch": "main", "sha": "f0f0"}, {"iid": 6, "state": "merged", "target_branch": "old", "sha": "f0f0"}}
		if r.PathValue("commit") == g.merged {
			requests = append(requests, object{"iid": 7, "state": "merged", "target_branch": "main", "sha": g.planned})
		}
		return requests
	})
	// Besides the right one, there are those of a fork, of another commit and of a push.
	list("GET "+project+"/merge_requests/7/pipelines", func(*http.Request) any {
		const source = "merge_request_event"
		return []object{
			{"id": 904, "project_id": 6, "sha": g.planned, "source": source},
			{"id": 903, "project_id": 5, "sha": "f0f0", "source": source},
			{"id": 902, "project_id": 5, "sha": g.planned, "source": "push"},
			{"id": 901, "project_id": 5, "sha": g.planned, "source": source},
		}
	})
	list("GET "+project+"/pipelines/901/jobs", func(r *http.Request) any {
		if r.URL.Query().Get("scope[]") != "success" {
			return nil
		}
		return []object{{"id": 70, "name": "another"}, {"id": 71, "name": "plan"}}
	})
	list("GET "+project+"/jobs/71/artifacts/{name}", func(r *http.Request) any {
		if content, ok := g.artifacts[r.PathValue("name")]; ok {
			return content
		}
		return nil
	})
	return mux
}
