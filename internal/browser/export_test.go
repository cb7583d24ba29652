package browser

import (
	"slices"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Functions that the tests call.
var (
	Environment = environment
	RetryAfter  = retryAfter
	Sweep       = sweep
)

// Processes returns the process ID of each browser that the group has started, by its folder.
func (g *Group) Processes() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]int{}
	for _, p := range g.running {
		all[p.folder] = chromedp.FromContext(p.ctx).Browser.Process().Pid
	}
	return all
}

// IsWaiting reports whether a visit of the account waits for a tab.
func (b *Browser) IsWaiting(a *Account) bool {
	b.handovers.mu.Lock()
	defer b.handovers.mu.Unlock()
	return len(b.handovers.waiting[a]) > 0
}

// ID identifies the tab among all tabs of the process.
func (t *Tab) ID() string { return string(chromedp.FromContext(t.ctx).Target.TargetID) }

// Blocked returns the hosts whose requests were blocked.
func (t *Tab) Blocked() []string { return t.gate.hosts() }

// SetTimeout replaces the browser's timeout for a step.
func (b *Browser) SetTimeout(d time.Duration) { b.options.Timeout = d }

// OpenTabs returns the number of open tabs of some accounts.
func (g *Group) OpenTabs(accounts ...*Account) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	tabs := 0
	for _, p := range g.running {
		got, err := chromedp.CallBrowser(p.ctx, target.GetTargets, target.GetTargetsParams{})
		if err != nil {
			return 0, err
		}
		for _, info := range got.TargetInfos {
			if info.Type == "page" && slices.ContainsFunc(accounts, func(a *Account) bool { return a.profile == info.BrowserContextID }) {
				tabs++
			}
		}
	}
	return tabs, nil
}
