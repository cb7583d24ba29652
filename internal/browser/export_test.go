package browser

import (
	"encoding/json"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// What the tests look into.
var (
	Environment = environment
	Met         = Want.met
	RetryAfter  = retryAfter
	Sweep       = sweep
)

// Node is one of those that a browser lists.
type Node struct {
	Role, Name, Value string
	Ignored, Selected bool
	Moment            string
	Children          []Node
}

// Tree makes a page of nodes, as the browser would list them.
func Tree(top Node) *Page {
	moments := map[cdp.BackendNodeID]string{}
	root, err := assemble(list(nil, top, "", moments), moments)
	if err != nil {
		panic(err)
	}
	return &Page{Element: root}
}

func list(all []*accessibility.Node, n Node, parent accessibility.NodeID, moments map[cdp.BackendNodeID]string) []*accessibility.Node {
	number := len(all) + 1
	made := &accessibility.Node{
		NodeID: nodeID(number), ParentID: parent, BackendDOMNodeID: cdp.BackendNodeID(number), Ignored: n.Ignored,
		Role: value(n.Role), Name: value(n.Name), Value: value(n.Value),
	}
	if n.Selected {
		made.Properties = []*accessibility.Property{{Name: accessibility.PropertyNameSelected, Value: value(true)}}
	}
	if n.Moment != "" {
		moments[made.BackendDOMNodeID] = n.Moment
	}
	all = append(all, made)
	for _, child := range n.Children {
		made.ChildIDs = append(made.ChildIDs, nodeID(len(all)+1))
		all = list(all, child, made.NodeID, moments)
	}
	return all
}

func nodeID(number int) accessibility.NodeID {
	return accessibility.NodeID(string(rune('a' + number)))
}

func value(v any) *accessibility.Value {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return &accessibility.Value{Value: data}
}

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

// OpenTabs returns how many tabs of visitors the group's browsers have open.
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
