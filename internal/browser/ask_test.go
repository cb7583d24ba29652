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

// counter is a page that counts clicks.
const counter = `<button onclick='const s = document.querySelector("p"); s.textContent = +s.textContent + 1'>Add</button><p role="status">0</p>`

// attended opens a counter for somebody who answers with a button.
func attended(t *testing.T, choose func(string) string, body string) (*browser.Tab, *browsertest.Attendant) {
	t.Helper()
	attendant := &browsertest.Attendant{Choose: choose}
	s := serveOne(t, body)
	return s.open(t, browser.Options{Attended: true, Attendant: attendant.Attend, Timeout: 5 * short}), attendant
}

func always(button string) func(string) string { return func(string) string { return button } }

// wantQuestions expects so many questions to have been asked, and returns them.
func wantQuestions(t *testing.T, a *browsertest.Attendant, n int) []string {
	t.Helper()
	questions, errs := a.Questions()
	if len(questions) != n || len(errs) > 0 {
		t.Fatalf("the questions were %q (%v), want %d", questions, errs, n)
	}
	return questions
}

// TestAttended_AsksBeforeEachChangingClick, in a window of its own that says what is clicked where, and before no other.
func TestAttended_AsksBeforeEachChangingClick(t *testing.T) {
	t.Parallel()
	tab, attendant := attended(t, always("OK"), counter)
	add := await(t, tab, action("Add"))
	if err := tab.Click(t.Context(), step(), add); err != nil {
		t.Fatal(err)
	}
	wantQuestions(t, attendant, 0)
	if err := tab.Click(t.Context(), changing(), add); err != nil {
		t.Fatal(err)
	}
	says(t, tab, "status", "2")
	question := wantQuestions(t, attendant, 1)[0]
	for _, part := range []string{browser.QuestionTitle, "The site (127.0.0.1:", "the first page", "do it", "Add"} {
		if !strings.Contains(question, part) {
			t.Errorf("the question lacks %q:\n%s", part, question)
		}
	}
}

// TestAttended_StopClicksNothing, and the error says so.
func TestAttended_StopClicksNothing(t *testing.T) {
	t.Parallel()
	tab, attendant := attended(t, always("Stop"), counter)
	err := tab.Click(t.Context(), changing(), await(t, tab, action("Add")))
	failed := failure(t, err, browser.Stopped)
	if !failed.DidNothing() || failed.MayHaveWorked() || !errors.Is(err, browser.ErrStopped) {
		t.Errorf("the error is %v", err)
	}
	says(t, tab, "status", "0")
	wantQuestions(t, attendant, 1)
}

// TestAttended_OKCountsOnceWhileItIsFresh: where the answer took long, what was proven before is proven again, without
// another question; and the next click is another question.
func TestAttended_OKCountsOnceWhileItIsFresh(t *testing.T) {
	t.Parallel()
	slow := true
	attendant := &browsertest.Attendant{Choose: func(string) string {
		if slow {
			// A person takes real time.
			time.Sleep(2500 * time.Millisecond)
			slow = false
		}
		return "OK"
	}}
	s := serveOne(t, counter)
	b := browser.New(shared.Group(t), browser.Options{Attended: true, Attendant: attendant.Attend, Timeout: 5 * short})
	visit := func() error {
		tab, err := b.Open(t.Context(), browser.NewAccount(s.Site, browser.Session{}))
		if err != nil {
			t.Fatal(err)
		}
		defer tab.Close()
		if err := tab.Load(t.Context(), step(), s.Site.URL); err != nil {
			t.Fatal(err)
		}
		add := await(t, tab, action("Add"))
		if err := tab.Approve(t.Context(), changing(), add); err != nil {
			says(t, tab, "status", "0")
			return err
		}
		if err := tab.Click(t.Context(), changing(), add); err != nil {
			t.Fatal(err)
		}
		says(t, tab, "status", "1")
		return nil
	}
	if failed := failure(t, visit(), browser.Outdated); !failed.Outdated() || !failed.DidNothing() {
		t.Errorf("the error is %v", failed)
	}
	if err := visit(); err != nil {
		t.Fatal(err)
	}
	wantQuestions(t, attendant, 1)
	err := visit()
	if browser.IsKind(err, browser.Outdated) {
		// On a machine that is busy, even this answer takes long.
		err = visit()
	}
	if err != nil {
		t.Fatal(err)
	}
	wantQuestions(t, attendant, 2)
}

// TestAttended_PageCantAnswer: neither its scripts nor windows that it opens reach the window that asks.
func TestAttended_PageCantAnswer(t *testing.T) {
	t.Parallel()
	const meddling = `<script>setInterval(() => {
		for (const w of [window, window.open("", "_self"), window.opener]) {
			try { if (w) { w.answer = "OK"; } } catch (e) {}
		}
		for (const b of document.querySelectorAll("button")) { if (b.textContent === "OK") b.click(); }
	}, 20)</script>`
	meddle := func(string) string {
		// The page has this long to answer itself.
		time.Sleep(short)
		return "Stop"
	}
	tab, attendant := attended(t, meddle, counter+meddling)
	err := tab.Click(t.Context(), changing(), await(t, tab, action("Add")))
	fails(t, err, browser.Stopped)
	says(t, tab, "status", "0")
	wantQuestions(t, attendant, 1)
}

// TestAttended_QuestionEndsWithItsContext: nobody waits for an answer any more.
func TestAttended_QuestionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	answered := make(chan struct{})
	defer close(answered)
	tab, _ := attended(t, func(string) string { <-answered; return "OK" }, counter)
	add := await(t, tab, action("Add"))
	ctx, cancel := context.WithTimeout(t.Context(), 3*short)
	defer cancel()
	if err := tab.Click(ctx, changing(), add); !errors.Is(err, ctx.Err()) || ctx.Err() == nil {
		t.Errorf("the error is %v", err)
	}
	says(t, tab, "status", "0")
}
