package provider_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const planWorkflowFile = "github-actions/workflow.yml"

var (
	pinnedAction = regexp.MustCompile(`^ +- uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	usesSecret   = regexp.MustCompile(`secrets\.|github\.token`)
)

// TestPublishedWorkflows holds the published workflows to what they must not lose: pinned actions, few
// permissions, secrets in nothing but a step's environment, and an apply that is none of a pull request.
func TestPublishedWorkflows(t *testing.T) {
	t.Parallel()
	for file, permissions := range map[string]map[string]string{
		shardWorkflowFile: nil,
		planWorkflowFile:  {"contents": "read", "pull-requests": "write"},
	} {
		published := publishedWorkflow(t, file)
		if !maps.Equal(published.Permissions, map[string]string{"contents": "read"}) {
			t.Errorf("%s: the workflow's permissions are %v", file, published.Permissions)
		}
		if _, ok := published.On["pull_request"]; !ok || len(published.On) != 2 || !slices.Equal(published.On["push"].Branches, []string{"main"}) {
			t.Errorf("%s: the workflow runs on %+v", file, published.On)
		}
		for line := range strings.Lines(example(t, file)) {
			if strings.Contains(line, "uses:") && !pinnedAction.MatchString(strings.TrimRight(line, "\n")) {
				t.Errorf("%s: not pinned to a commit, with its version beside it: %s", file, line)
			}
		}
		plan, apply := published.Jobs["plan"], published.Jobs["apply"]
		if len(published.Jobs) != 2 || apply.Concurrency.CancelInProgress {
			t.Errorf("%s: there are other jobs, or an apply can be cancelled", file)
		}
		if plan.Environment == apply.Environment || plan.Environment == "" || apply.Environment == "" {
			t.Errorf("%s: a pull request has the secrets of an apply", file)
		}
		if !strings.HasPrefix(plan.If, "github.event_name == 'pull_request'") || apply.If != "github.event_name == 'push'" {
			t.Errorf("%s: plans if %q, and applies if %q", file, plan.If, apply.If)
		}
		if !maps.Equal(plan.Permissions, permissions) || len(apply.Permissions) > 0 {
			t.Errorf("%s: plan has the permissions %v, apply %v", file, plan.Permissions, apply.Permissions)
		}
		for _, step := range slices.Concat(plan.Steps, apply.Steps) {
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
		for _, env := range []map[string]string{published.Env, plan.Env, apply.Env} {
			for name, value := range env {
				if usesSecret.MatchString(value) {
					t.Errorf("%s: every action can read %s", file, name)
				}
			}
		}
		for _, step := range plan.Steps {
			if strings.Contains(step.Run, "terraform apply") {
				t.Errorf("%s: a pull request applies: %s", file, step.Run)
			}
		}
	}
}

// runSteps runs the commands of a workflow's job as GitHub does, and returns the last that was run or has
// failed. What expressions become is in values.
func (w *world) runSteps(t *testing.T, published workflow, name string, values map[string]string) run {
	t.Helper()
	job, values := published.Jobs[name], maps.Clone(values)
	var last, failed run
	for _, step := range job.Steps {
		if step.Run == "" || failed.code != 0 && !strings.Contains(step.If, "!cancelled()") {
			continue
		}
		there := *w
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
	}
	if failed.code != 0 {
		return failed
	}
	return last
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

// shell runs a script as CI does. What is tested has the name terraform in it.
func (w *world) shell(t *testing.T, script string) run {
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

// pullRequestComment is a comment, as GitHub's API has it.
type pullRequestComment struct {
	ID   int64 `json:"id"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
	Body string `json:"body"`
}

// TestAccPlanWorkflow opens a pull request, pushes to it and merges it: its plan is one comment, which is
// brought up to date and leaves those of others alone, and what is merged is applied.
func TestAccPlanWorkflow(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("needs jq, which GitHub's runners have")
	}
	// So many that the plan does not fit into a comment.
	seed := sandbox.FleetSeed(80)
	w := newWorld(t, worldOptions{seed: &seed, installed: true}).checkOut(t, filepath.Dir(planWorkflowFile))
	shops := map[string]string{}
	for _, shop := range seed.Shops {
		shops[shop.Name] = shop.MerchantID
	}
	w.writeVariable(t, "shops", shops)
	tools, db := t.TempDir(), startPostgres(t)
	comments := filepath.Join(tools, "comments.json")
	others := []pullRequestComment{{ID: 1, Body: "<!-- plan of the shops --> is what it begins with."}, {ID: 2, Body: "Another workflow's."}}
	others[0].User.Login, others[1].User.Login = "somebody", "github-actions[bot]"
	encoded, err := json.Marshal(others)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"gh": github, filepath.Base(comments): string(encoded)} {
		if err := os.WriteFile(filepath.Join(tools, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.bin = tools
	for name, value := range map[string]string{"GITHUB_REPOSITORY": "agency/shops", "COMMENTS": comments} {
		w.set(name, value)
	}
	published := publishedWorkflow(t, planWorkflowFile)
	values := map[string]string{
		"github.ref": "refs/pull/7/merge", "github.token": "the-jobs-own", "github.event.number": "7",
		"secrets.PG_CONN_STR": db.url, "secrets.KUSTOM_PORTAL_TOKEN": "expired", "secrets.MYSTORE_TOKENS": w.server.Env()["MYSTORE_TOKENS"],
	}
	w.unset("KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS")
	commented := func(commit string, want ...string) {
		t.Helper()
		var now []pullRequestComment
		if err := json.Unmarshal([]byte(read(t, comments)), &now); err != nil {
			t.Fatal(err)
		}
		if len(now) != 3 || !slices.Equal(now[:2], others) {
			t.Fatalf("the comments are %+v", now)
		}
		for _, text := range append(want, "<!-- plan of the shops -->\n**Plan for "+commit+": ") {
			if !strings.Contains(now[2].Body, text) {
				t.Errorf("the comment does not say %q:\n%.500s", text, now[2].Body)
			}
		}
		if len(now[2].Body) > 65536 || leaks(now[2].Body, w.sandbox.Secrets()) > 0 {
			t.Errorf("the comment has %d characters, or a secret", len(now[2].Body))
		}
	}

	values["github.event.pull_request.head.sha"] = "c0ffee1"
	if got := w.runSteps(t, published, "plan", values); got.code == 0 {
		t.Errorf("the plan has not failed:\n%s", got.output)
	}
	commented("c0ffee1", ": failure.**", "Kustom Portal does not accept the token")

	values["github.event.pull_request.head.sha"] = "c0ffee2"
	values["secrets.KUSTOM_PORTAL_TOKEN"] = w.server.Env()["KUSTOM_PORTAL_TOKEN"]
	if got := w.runSteps(t, published, "plan", values); got.code != 0 {
		t.Fatal(got.output)
	}
	commented("c0ffee2", ": success.** Plan: 80 to add, 0 to change, 0 to destroy.\n", `kustom_mystore_connection.shop["`+seed.Shops[0].Name+`"] will be created`)
	w.mustHaveWritten(t, 0)

	if got := w.runSteps(t, published, "apply", values); got.code != 0 || !strings.Contains(got.output, "80 added, 0 changed, 0 destroyed") {
		t.Fatalf("exit code %d:\n%s", got.code, got.output)
	}
	w.mustHaveWritten(t, len(seed.Shops))
	w.mustBeSwitched(t, seed)

	values["github.event.pull_request.head.sha"] = "c0ffee3"
	if got := w.runSteps(t, published, "plan", values); got.code != 0 {
		t.Fatal(got.output)
	}
	commented("c0ffee3", ": success.** No changes.")
	if asked := w.sandbox.Count(sandbox.Mystore, http.MethodPatch, credentialsCall); asked != len(seed.Shops) {
		t.Errorf("%d writes to shops, want %d", asked, len(seed.Shops))
	}
}
