package browser_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
)

// addButton is a page that counts the clicks on a button.
const addButton = `<button onclick='const s = document.querySelector("p"); s.textContent = +s.textContent + 1'>Add</button><p role="status">0</p>`

// attended opens a page in a browser whose user answers each question with a button.
func attended(t *testing.T, choose func(string) string, body string) (*browser.Tab, *browsertest.Attendant) {
	t.Helper()
	attendant := &browsertest.Attendant{Choose: choose}
	s := servePage(t, body)
	return s.open(t, browser.Options{Attended: true, Attendant: attendant.Attend, Timeout: long}), attendant
}

// always returns a user who always presses the same button.
func always(button string) func(string) string { return func(string) string { return button } }

// wantQuestions expects n questions so far, and returns them.
func wantQuestions(t *testing.T, a *browsertest.Attendant, n int) []string {
	t.Helper()
	questions, errs := a.Questions()
	if len(questions) != n || len(errs) > 0 {
		t.Fatalf("the questions were %q (%v), want %d", questions, errs, n)
	}
	return questions
}

// The question names the click and its page. No other click has a question.
func TestAttended_AsksBeforeEachChangingClick(t *testing.T) {
	t.Parallel()
	tab, attendant := attended(t, always("OK"), addButton)
	add := mustFind(t, tab, action("Add"))
	if err := tab.Click(t.Context(), step(), add); err != nil {
		t.Fatal(err)
	}
	wantQuestions(t, attendant, 0)
	if err := tab.Click(t.Context(), changingStep(), add); err != nil {
		t.Fatal(err)
	}
	wantText(t, tab, "status", "2")
	question := wantQuestions(t, attendant, 1)[0]
	for _, part := range []string{browser.QuestionTitle, "The site (127.0.0.1:", "the first page", "do it", "Add"} {
		if !strings.Contains(question, part) {
			t.Errorf("the question lacks %q:\n%s", part, question)
		}
	}
}

func TestAttended_StopClicksNothing(t *testing.T) {
	t.Parallel()
	tab, attendant := attended(t, always("Stop"), addButton)
	err := tab.Click(t.Context(), changingStep(), mustFind(t, tab, action("Add")))
	failed := wantStepError(t, err, browser.Stopped)
	if !failed.DidNothing() || failed.MayHaveWorked() || !errors.Is(err, browser.ErrStopped) {
		t.Errorf("the error is %v", err)
	}
	wantText(t, tab, "status", "0")
	wantQuestions(t, attendant, 1)
}

// After a slow answer, the caller must repeat its proofs. The answer then still counts, for one click.
func TestAttended_SlowOKCountsForNextTry(t *testing.T) {
	t.Parallel()
	slow := true
	attendant := &browsertest.Attendant{Choose: func(string) string {
		if slow {
			// The browser measures real time.
			time.Sleep(2500 * time.Millisecond)
			slow = false
		}
		return "OK"
	}}
	s := servePage(t, addButton)
	b := browser.New(shared.Group(t), browser.Options{Attended: true, Attendant: attendant.Attend, Timeout: long})
	visit := func() error {
		tab, err := b.Open(t.Context(), browser.NewAccount(s.Site, browser.Session{}))
		if err != nil {
			t.Fatal(err)
		}
		defer tab.Close()
		if err := tab.Load(t.Context(), step(), s.Site.URL); err != nil {
			t.Fatal(err)
		}
		add := mustFind(t, tab, action("Add"))
		if err := tab.Approve(t.Context(), changingStep(), add); err != nil {
			wantText(t, tab, "status", "0")
			return err
		}
		if err := tab.Click(t.Context(), changingStep(), add); err != nil {
			t.Fatal(err)
		}
		wantText(t, tab, "status", "1")
		return nil
	}
	if failed := wantStepError(t, visit(), browser.Outdated); !failed.Outdated() || !failed.DidNothing() {
		t.Errorf("the error is %v", failed)
	}
	if err := visit(); err != nil {
		t.Fatal(err)
	}
	wantQuestions(t, attendant, 1)
	err := visit()
	if browser.IsKind(err, browser.Outdated) {
		// On a busy machine, even this answer takes long.
		err = visit()
	}
	if err != nil {
		t.Fatal(err)
	}
	wantQuestions(t, attendant, 2)
}

// Neither the page's scripts nor its popups reach the window of the question.
func TestAttended_PageCantAnswer(t *testing.T) {
	t.Parallel()
	const pressOK = `<script>setInterval(() => {
		for (const w of [window, window.open("", "_self"), window.opener]) {
			try { if (w) { w.answer = "OK"; } } catch (e) {}
		}
		for (const b of document.querySelectorAll("button")) { if (b.textContent === "OK") b.click(); }
	}, 20)</script>`
	answer := func(string) string {
		// Meanwhile, the page's script tries to answer.
		time.Sleep(short)
		return "Stop"
	}
	tab, attendant := attended(t, answer, addButton+pressOK)
	err := tab.Click(t.Context(), changingStep(), mustFind(t, tab, action("Add")))
	wantKind(t, err, browser.Stopped)
	wantText(t, tab, "status", "0")
	wantQuestions(t, attendant, 1)
}

func TestAttended_QuestionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	answered := make(chan struct{})
	defer close(answered)
	tab, _ := attended(t, func(string) string { <-answered; return "OK" }, addButton)
	add := mustFind(t, tab, action("Add"))
	// The short timeouts end while the window opens.
	for _, timeout := range []time.Duration{time.Millisecond, 30 * time.Millisecond, short} {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		if err := tab.Click(ctx, changingStep(), add); !errors.Is(err, ctx.Err()) || ctx.Err() == nil {
			t.Errorf("after %v, the error is %v", timeout, err)
		}
		cancel()
	}
	wantText(t, tab, "status", "0")
}
