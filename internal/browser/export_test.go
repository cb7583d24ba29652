package browser

import (
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// What the tests look into.
var (
	Environment = environment
	RetryAfter  = retryAfter
	Sweep       = sweep
)

// Processes returns, by its folder, the process ID of each browser that the group has started.
func (g *Group) Processes() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]int{}
	for _, p := range g.running {
		all[p.folder] = chromedp.FromContext(p.ctx).Browser.Process().Pid
	}
	return all
}

// Awaited reports whether a visit of an account waits for a tab.
func (b *Browser) Awaited(a *Account) bool {
	b.handovers.mu.Lock()
	defer b.handovers.mu.Unlock()
	return len(b.handovers.waiting[a]) > 0
}

// ID identifies the tab among all that the process has had.
func (t *Tab) ID() string { return string(chromedp.FromContext(t.ctx).Target.TargetID) }

// OpenTabs returns how many tabs of accounts the group's browsers have open.
func (g *Group) OpenTabs() (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	tabs := 0
	for _, p := range g.running {
		got, err := chromedp.CallBrowser(p.ctx, target.GetTargets, target.GetTargetsParams{})
		if err != nil {
			return 0, err
		}
		own := chromedp.FromContext(p.ctx).Target.TargetID
		for _, info := range got.TargetInfos {
			if info.Type == "page" && info.TargetID != own {
				tabs++
			}
		}
	}
	return tabs, nil
}
