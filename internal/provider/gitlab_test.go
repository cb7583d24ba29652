package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const gitlabPipelineFile = "gitlab-ci/gitlab-ci.yml"

// gitlabPipeline is what the tests know of a pipeline of GitLab's.
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

func parsePipeline(t *testing.T, content string) gitlabPipeline {
	t.Helper()
	var pipeline gitlabPipeline
	if err := yaml.Unmarshal([]byte(content), &pipeline); err != nil {
		t.Fatal(err)
	}
	return pipeline
}

// TestGitLabPipeline_AppliesOnlyWhatWasReviewed holds the pipeline to what it must not lose: a lock file that is held to, an environment of its
// own for applies, and an apply that is none of a merge request, and of a saved plan only.
func TestGitLabPipeline_AppliesOnlyWhatWasReviewed(t *testing.T) {
	t.Parallel()
	p := parsePipeline(t, example(t, gitlabPipelineFile))
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

// gitlabStandIn stands in for GitLab's API, as far as the pipeline needs it. It has one project, with merge request 7.
type gitlabStandIn struct {
	t  *testing.T
	mu sync.Mutex
	// notes are the merge request's.
	notes []gitlabNote
	// planned is the commit of the merge request, and merged the one that main has of it; empty before.
	planned, merged string
	// artifacts are those of the last job that planned, by name.
	artifacts map[string]string
}

type gitlabNote struct {
	ID     int `json:"id"`
	Author struct {
		ID int `json:"id"`
	} `json:"author"`
	Body string `json:"body"`
}

// The users and the token of the stand-in.
const (
	gitlabBot   = 41
	gitlabOther = 42
	gitlabToken = "glpat-the-projects-own"
)

func note(id, author int, body string) gitlabNote {
	n := gitlabNote{ID: id, Body: body}
	n.Author.ID = author
	return n
}

// push makes a commit the merge request's, and merge one main's that has it.
func (g *gitlabStandIn) push(commit string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.planned = commit
}

func (g *gitlabStandIn) merge(commit string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.merged = commit
}

// noted returns the merge request's notes.
func (g *gitlabStandIn) noted() []gitlabNote {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.notes)
}

func startGitLab(t *testing.T) (*gitlabStandIn, string) {
	t.Helper()
	g := &gitlabStandIn{t: t, notes: []gitlabNote{
		note(1, gitlabOther, "<!-- plan of the shops --> is what it begins with."), note(2, gitlabBot, "Something else."),
	}}
	server := httptest.NewServer(g.routes())
	t.Cleanup(server.Close)
	return g, server.URL
}

func (g *gitlabStandIn) routes() http.Handler {
	mux := http.NewServeMux()
	list := func(pattern string, answer func(*http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			g.mu.Lock()
			defer g.mu.Unlock()
			if r.Header.Get("Authorization") != "Bearer "+gitlabToken {
				http.Error(w, `{"message":"401 Unauthorized"}`, http.StatusUnauthorized)
				return
			}
			if found := answer(r); found == nil {
				http.NotFound(w, r)
			} else if text, ok := found.(string); ok {
				_, _ = fmt.Fprint(w, text)
			} else if err := json.NewEncoder(w).Encode(found); err != nil {
				g.t.Error(err)
			}
		})
	}
	type object = map[string]any
	const project = "/projects/5"
	list("GET /user", func(*http.Request) any { return object{"id": gitlabBot} })
	list("GET "+project+"/merge_requests/7/notes", func(*http.Request) any { return g.notes })
	list("POST "+project+"/merge_requests/7/notes", func(r *http.Request) any {
		g.notes = append(g.notes, note(len(g.notes)+100, gitlabBot, r.FormValue("body")))
		return object{}
	})
	list("PUT "+project+"/merge_requests/7/notes/{note}", func(r *http.Request) any {
		for i := range g.notes {
			if fmt.Sprint(g.notes[i].ID) == r.PathValue("note") {
				g.notes[i].Body = r.FormValue("body")
				return object{}
			}
		}
		return nil
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

// runGitLabJob runs a job's commands as GitLab does, in one shell, and keeps the artifacts of a job that has ended well.
func (w *testEnv) runGitLabJob(t *testing.T, p gitlabPipeline, job gitlabJob, g *gitlabStandIn) run {
	t.Helper()
	there := *w
	for name, value := range p.Variables {
		there.set(name, value)
	}
	got := there.shell(t, strings.Join(append(slices.Clone(p.Default.BeforeScript), job.Script...), "\n"))
	if got.code == 0 && len(job.Artifacts.Paths) > 0 {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.artifacts = map[string]string{}
		for _, name := range job.Artifacts.Paths {
			g.artifacts[name] = read(t, filepath.Join(w.dir, name))
		}
	}
	return got
}

// onGitLab gives a world what a job has there: the API, its variables, and the tools of the image.
func (w *testEnv) onGitLab(t *testing.T, db *postgres) *gitlabStandIn {
	t.Helper()
	for _, tool := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s, which the pipeline installs", tool)
		}
	}
	w.bin = t.TempDir()
	// The tools are there already.
	if err := os.WriteFile(filepath.Join(w.bin, "apk"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	g, url := startGitLab(t)
	for name, value := range map[string]string{
		"CI_API_V4_URL": url, "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_BRANCH": "main",
		"GITLAB_TOKEN": gitlabToken, "PG_CONN_STR": db.url,
	} {
		w.set(name, value)
	}
	return g
}

// TestAccGitLabPipeline_AppliesReviewedPlan opens a merge request, pushes to it and merges it: its plan is one note, which is brought up to
// date and leaves those of others alone, and what is merged is applied: the plan that was reviewed, or nothing.
func TestAccGitLabPipeline_AppliesReviewedPlan(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed, installed: true}).checkOut(t, "github-actions")
	g := w.onGitLab(t, startPostgres(t))
	p := parsePipeline(t, example(t, gitlabPipelineFile))
	if got := w.terraform(t, "init", "-backend=false", "-input=false", "-no-color"); got.code != 0 {
		t.Fatal(got.output)
	}
	commit := w.repository(t)
	commit("three shops")
	var planned string
	noted := func(want ...string) {
		t.Helper()
		notes := g.noted()
		if len(notes) != 3 || !strings.HasPrefix(notes[0].Body, "<!-- plan of the shops --> is") || notes[1].Body != "Something else." {
			t.Fatalf("the notes are %+v", notes)
		}
		for _, text := range append(want, "<!-- plan of the shops -->\n", "Planned for "+planned) {
			if !strings.Contains(notes[2].Body, text) {
				t.Errorf("the note does not say %q:\n%.500s", text, notes[2].Body)
			}
		}
		if n := leaks(notes[2].Body, append(w.sandbox.Secrets(), gitlabToken)); n > 0 {
			t.Errorf("the note has %d secrets", n)
		}
	}
	plan := func(sha string) run {
		t.Helper()
		planned = sha
		g.push(sha)
		w.set("CI_COMMIT_SHA", sha)
		return w.runGitLabJob(t, p, p.Plan, g)
	}
	apply := func(want string, code int) {
		t.Helper()
		const merged = "3e26ed"
		g.merge(merged)
		w.set("CI_COMMIT_SHA", merged)
		if got := w.runGitLabJob(t, p, p.Apply, g); got.code != code || !strings.Contains(got.output, want) {
			t.Fatalf("exit code %d, and it does not say %q:\n%s", got.code, want, got.output)
		}
	}

	w.set("KUSTOM_PORTAL_TOKEN", "expired")
	if got := plan("c0ffee1"); got.code != 1 {
		t.Errorf("the plan has not failed: %d\n%s", got.code, got.output)
	}
	noted("**The plan failed.**", "Kustom Portal rejects the token")
	apply("No plan of these files was reviewed", 1)

	w.set("KUSTOM_PORTAL_TOKEN", w.server.Env()["KUSTOM_PORTAL_TOKEN"])
	if got := plan("c0ffee2"); got.code != 0 {
		t.Fatal(got.output)
	}
	noted("**Plan for 3 shops: 3 get a new key; 3 keys deleted now")
	if got := w.runGitLabJob(t, p, p.Look, g); got.code != 2 || !strings.Contains(got.output, "\nPlan for 3 shops: 3 get a new key") {
		t.Errorf("in the night: exit code %d:\n%s", got.code, got.output)
	}

	// What was merged in between was not reviewed.
	w.write(t, "another.tf", "locals {}\n")
	commit("another")
	apply("No plan of these files was reviewed", 1)
	w.mustHaveWritten(t, 0)
	if err := os.Remove(filepath.Join(w.dir, "another.tf")); err != nil {
		t.Fatal(err)
	}
	commit("three shops")

	apply("3 added, 0 changed, 0 destroyed", 0)
	w.mustHaveWritten(t, len(seed.Shops))
	w.mustBeSwitched(t, seed)
	apply("Saved plan is stale", 1)
	if got := w.runGitLabJob(t, p, p.Look, g); got.code != 0 {
		t.Errorf("there is nothing to do, and the exit code is %d:\n%s", got.code, got.output)
	}
}

// TestAccInitPipeline_AppliesReviewedPlan runs the pipeline that init has written, in the folder that it has written, from the plan to the
// apply of that very plan.
func TestAccInitPipeline_AppliesReviewedPlan(t *testing.T) {
	t.Parallel()
	for ci, runWritten := range map[string]func(*testEnv, *testing.T, *postgres){
		"github": (*testEnv).runWrittenWorkflow, "gitlab": (*testEnv).runWrittenPipeline,
	} {
		t.Run(ci, func(t *testing.T) {
			t.Parallel()
			seed := sandbox.ThreeShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed, installed: true, way: waysAPIs})
			binaries, err := filepath.Glob(filepath.Join(mirrored(t), "*", "storefront-iac", "kustom", "*", "*", "terraform-provider-kustom_*"))
			if err != nil || len(binaries) == 0 {
				t.Fatalf("the provider was not found (%v)", err)
			}
			w.dir = filepath.Join(t.TempDir(), "shops")
			cmd := exec.CommandContext(t.Context(), binaries[0], "init", "--ci", ci, w.dir)
			cmd.Env = w.env
			if got := finish(t, cmd); got.code != 0 {
				t.Fatal(got.output)
			}
			if got := w.terraform(t, "init", "-backend=false", "-input=false", "-no-color"); got.code != 0 {
				t.Fatal(got.output)
			}
			w.repository(t)("what init has written")
			runWritten(w, t, startPostgres(t))
			w.mustHaveWritten(t, len(seed.Shops))
			w.mustBeSwitched(t, seed)
		})
	}
}

// runWrittenPipeline plans and applies with the pipeline for GitLab that init has written.
func (w *testEnv) runWrittenPipeline(t *testing.T, db *postgres) {
	t.Helper()
	g := w.onGitLab(t, db)
	p := parsePipeline(t, read(t, filepath.Join(w.dir, ".gitlab-ci.yml")))
	const commit = "c0ffee2"
	g.push(commit)
	g.merge(commit)
	w.set("CI_COMMIT_SHA", commit)
	planned := w.runGitLabJob(t, p, p.Plan, g)
	if notes := g.noted(); planned.code != 0 || !strings.Contains(notes[len(notes)-1].Body, "**Plan for 3 shops: 3 get a new key") {
		t.Fatalf("exit code %d:\n%s", planned.code, planned.output)
	}
	if got := w.runGitLabJob(t, p, p.Apply, g); got.code != 0 || !strings.Contains(got.output, "3 added, 0 changed, 0 destroyed") {
		t.Fatalf("exit code %d:\n%s", got.code, got.output)
	}
}

// runWrittenWorkflow plans and applies with the workflow for GitHub that init has written.
func (w *testEnv) runWrittenWorkflow(t *testing.T, db *postgres) {
	t.Helper()
	var written workflow
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(w.dir, ".github/workflows/shops.yml"))), &written); err != nil {
		t.Fatal(err)
	}
	w.stubGitHub(t)
	if err := os.WriteFile(filepath.Join(w.bin, "comments.json"), []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"github.ref": "refs/pull/7/merge", "github.token": "the-jobs-own", "github.event.number": "7",
		"github.event.pull_request.head.sha": "c0ffee2", "secrets.PG_CONN_STR": db.url,
		"secrets.KUSTOM_PORTAL_TOKEN": w.server.Env()["KUSTOM_PORTAL_TOKEN"], "secrets.MYSTORE_TOKENS": w.server.Env()["MYSTORE_TOKENS"],
	}
	if got := w.runSteps(t, written, "plan", values); got.code != 0 {
		t.Fatal(got.output)
	}
	if comments := read(t, filepath.Join(w.bin, "comments.json")); !strings.Contains(comments, "Plan for 3 shops: 3 get a new key") {
		t.Errorf("the comments are %s", comments)
	}
	if got := w.runSteps(t, written, "apply", values); got.code != 0 || !strings.Contains(got.output, "3 added, 0 changed, 0 destroyed") {
		t.Fatalf("exit code %d:\n%s", got.code, got.output)
	}
}
