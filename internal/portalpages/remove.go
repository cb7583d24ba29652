package portalpages

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// maxAttempts is how often an unconfirmed deletion is tried. Deleting the same key again does no harm.
const maxAttempts = 3

// errStillListed says that a key is still listed after its deletion.
var errStillListed = errors.New("the key is still in the list after its deletion")

// removeUndelivered deletes a key that was just generated and that nobody has got, so it asks no shop. A user who must approve
// the deletion may take a long time. Only the list on a freshly loaded page counts, whatever else the page says.
func (p *Portal) removeUndelivered(ctx context.Context, merchantID, username string) error {
	return transport.WhileOutdated(func() error { return p.remove(ctx, merchantID, username, true) })
}

// remove deletes a key. It returns no error if the key is already gone. If reload is set, a freshly loaded page
// must confirm the deletion. If not, the list on the page of the deletion is enough, and the caller lists the
// keys.
func (p *Portal) remove(ctx context.Context, merchantID, username string, reload bool) error {
	var last error
	for range maxAttempts {
		gone := false
		err := p.visit(ctx, func(v *visit) (err error) {
			if gone, err = v.remove(ctx, merchantID, username); err != nil || gone || reload {
				return err
			}
			_, gone = v.readShown(ctx, merchantID, func(keys []kustom.Key) bool { return indexOf(keys, username) < 0 })
			return nil
		})
		if err == nil && gone {
			return nil
		}
		var step *browser.StepError
		if err != nil && (!errors.As(err, &step) || !step.Uncertain && step.Kind != browser.Died) || ctx.Err() != nil {
			return err
		}
		if last = err; last == nil {
			last = errStillListed
		}
	}
	return last
}

// remove does the guide's third step: the three dots, Delete API key, and its confirmation. It loads the list
// right before. It reports whether the key was gone already. The next look at the list shows the result of the
// clicks.
func (v *visit) remove(ctx context.Context, merchantID, username string) (gone bool, err error) {
	keys, err := v.listUntil(ctx, merchantID, username)
	if err != nil || indexOf(keys, username) < 0 {
		return err == nil, err
	}
	item, err := v.deleteItem(ctx, merchantID, username)
	if err != nil {
		return false, err
	}
	step := v.Step("delete key " + username)
	step.Changing = true
	if err := v.Approve(ctx, step, item); err != nil {
		return false, err
	}
	if err := v.Click(ctx, step, item); err != nil {
		return false, err
	}
	return false, v.confirmDeletion(ctx, step, username)
}

// row is a key's row with its controls.
type row struct {
	Username string
	// Menu opens the key's menu. Delete is set if the row itself has a delete button.
	Menu, Delete *browser.Element
}

func (v *visit) deleteKey() browser.Target {
	return v.Words.Action(labelDeleteKey).Before(nouns()...)
}

// deleteItem opens the menu of the key's row and returns its item Delete API key. It changes nothing.
func (v *visit) deleteItem(ctx context.Context, merchantID, username string) (*browser.Element, error) {
	step := v.Step("open the menu of key " + username)
	found, err := browser.Await(ctx, v.Tab, step, func(p *browser.Page) (row, error) { return v.row(p, merchantID, username) })
	if err != nil {
		return nil, err
	}
	if found.Delete != nil {
		return found.Delete, nil
	}
	for attempt := 1; ; attempt++ {
		if err := v.Click(ctx, step, found.Menu); err != nil {
			return nil, err
		}
		item, err := v.menuItem(ctx, step)
		if err != nil || item != nil {
			return item, err
		}
		if attempt == maxAttempts {
			return nil, v.Fail(ctx, step, browser.NotFound, "the menu of the key does not open, or has no item that "+
				"deletes the key", false)
		}
	}
}

// row finds the key's row on a page about its store.
func (v *visit) row(p *browser.Page, merchantID, username string) (row, error) {
	v.before = p
	read, err := v.read(p, merchantID)
	if err != nil {
		return row{}, err
	}
	i := slices.IndexFunc(read.Rows, func(e browser.Entry) bool { return e.Mark == username })
	if i < 0 {
		return row{}, browser.Absent("key %s is not in the list", username)
	}
	found := row{Username: username}
	if direct := read.Rows[i].Row.Find(v.deleteKey()); len(direct) == 1 {
		found.Delete = direct[0]
		return found, nil
	}
	if found.Menu = v.menu(read.Rows[i]); found.Menu == nil {
		return row{}, browser.Absent("the row of key %s has no button that opens a menu", username)
	}
	return found, nil
}

// menu returns the control that opens a row's menu: the one that a user has pointed at, or else the only
// possible one or the only one with that name. It returns nil if that is ambiguous.
func (v *visit) menu(row browser.Entry) *browser.Element {
	target := v.Words.Action(labelKeyMenu)
	if found := target.Shown(row.Row); len(found) == 1 {
		return found[0]
	}
	if found := row.Menu(); found != nil {
		return found
	}
	if found := row.Row.Find(target); len(found) == 1 {
		return found[0]
	}
	return nil
}

// item is a menu item. Its absence must be observed for a while before it counts.
type item struct{ Element *browser.Element }

// Quiet implements [browser.Quieter].
func (i item) Quiet() time.Duration {
	if i.Element == nil {
		return browser.SettledEmpty
	}
	return 0
}

// menuItem returns an item of the menu that was just opened; nil if the menu did not open.
func (v *visit) menuItem(ctx context.Context, step browser.Step) (*browser.Element, error) {
	found, err := browser.Await(ctx, v.Tab, step, func(p *browser.Page) (item, error) {
		v.before = p
		all := p.Find(v.deleteKey())
		if len(all) > 1 {
			return item{}, &browser.AbsentError{Targets: []browser.Target{v.deleteKey()}, Several: true}
		}
		if len(all) == 0 {
			return item{}, nil
		}
		return item{all[0]}, nil
	})
	return found.Element, err
}

// confirmation is a page's confirmation dialog for a deletion.
type confirmation struct {
	// Confirm is the confirming button. Type is a field for the Key ID, if the page asks for it.
	Confirm, Type *browser.Element
}

// Quiet implements [browser.Quieter].
func (c confirmation) Quiet() time.Duration {
	if c.Confirm == nil && c.Type == nil {
		return browser.SettledEmpty
	}
	return 0
}

// confirmDeletion answers the dialog that confirms the deletion, if there is one. It does not answer a dialog
// that names another key.
func (v *visit) confirmDeletion(ctx context.Context, step browser.Step, username string) error {
	look := func(p *browser.Page) (confirmation, error) { return v.confirmationOn(p, username) }
	asked, err := browser.Await(ctx, v.Tab, step, look)
	if err == nil && asked.Type != nil {
		if err := v.Fill(ctx, step, asked.Type, username); err != nil {
			return err
		}
		asked, err = browser.Await(ctx, v.Tab, step, look)
	}
	if err != nil {
		return err
	}
	if text := v.TakeDialogText(); text != "" {
		return v.Fail(ctx, step, browser.Unclickable, "the page asks with a browser dialog, which the provider never "+
			"confirms: "+text, false)
	}
	if asked.Confirm == nil {
		return nil
	}
	if err := v.Approve(ctx, step, asked.Confirm); err != nil {
		return err
	}
	if err := v.Click(ctx, step, asked.Confirm); err != nil {
		return err
	}
	// The request may still be on its way until the dialog or the row is gone.
	_, err = browser.Await(ctx, v.Tab, step, func(p *browser.Page) (bool, error) {
		if len(p.Dialogs()) > 0 {
			return false, browser.Absent("the dialog stays open")
		}
		return true, nil
	})
	return err
}

// wrongKeyError says that a dialog is about another key.
type wrongKeyError struct{ want, got string }

func (e *wrongKeyError) Error() string {
	return "the dialog is about key " + e.got + ", not about key " + e.want + "; nothing was deleted"
}

// confirmationOn reads the open dialog, if there is one.
func (v *visit) confirmationOn(p *browser.Page, username string) (confirmation, error) {
	dialog := v.keyDialog(p, labelDeleteKey)
	if dialog == nil {
		return confirmation{Confirm: v.confirmWithoutDialog(p, username)}, nil
	}
	if other := otherKey(dialog, username); other != "" {
		return confirmation{}, &wrongKeyError{username, other}
	}
	confirm, err := v.confirmButton(dialog, v.deleteKey())
	if err == nil {
		return confirmation{Confirm: confirm}, nil
	}
	var fields []*browser.Element
	for e := range dialog.All() {
		if e.HasRole("textbox") && e.Value == "" && !e.ReadOnly {
			fields = append(fields, e)
		}
	}
	if len(fields) == 1 {
		return confirmation{Type: fields[0]}, nil
	}
	return confirmation{}, err
}

// confirmWithoutDialog returns the confirming button of a page that asks to confirm the deletion without a dialog,
// or in a new part of the page; nil if there is none.
func (v *visit) confirmWithoutDialog(p *browser.Page, username string) *browser.Element {
	if len(p.Find(v.generateNew())) == 0 && len(v.rows(p)) <= 1 && browser.Mentions(p.Text(), username) && otherKey(p.Element, username) == "" {
		if found := p.Find(v.deleteKey()); len(found) == 1 && !found[0].Disabled {
			return found[0]
		}
		return nil
	}
	var found *browser.Element
	for _, no := range v.appeared(p.Find(v.Words.Action(labelCancel))) {
		box, yes := no, []*browser.Element(nil)
		for len(yes) == 0 && box.Parent() != nil {
			box = box.Parent()
			yes = v.appeared(slices.Concat(box.Find(v.deleteKey()), box.Find(v.Words.Action(labelConfirm))))
		}
		if len(yes) != 1 || yes[0].Disabled || otherKey(box, username) != "" || found != nil && !found.Is(yes[0]) {
			return nil
		}
		found = yes[0]
	}
	return found
}

// appeared returns the elements that appeared after the key's menu was read.
func (v *visit) appeared(all []*browser.Element) []*browser.Element {
	var found []*browser.Element
	for _, e := range all {
		if !v.before.Holds(e) {
			found = append(found, e)
		}
	}
	return found
}

// otherKey returns the key that a dialog names, if it is not the expected one.
func otherKey(dialog *browser.Element, username string) string {
	for _, line := range dialog.Lines() {
		for _, word := range strings.Fields(line) {
			word = strings.Trim(word, `.,:;!?"'“”«»()`)
			if isUsername(word) && word != username {
				return word
			}
		}
	}
	return ""
}
