package browser

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	// pictureTimeout bounds what a picture may take of the time that is left for better things.
	pictureTimeout = 5 * time.Second
	// shots is how often a picture is taken of a page that changes meanwhile.
	shots = 3
)

// picture takes a picture of the page, if pictures are wanted, and returns the file's name. Everything
// in which something can be typed is blanked before, and so is every dialog (I2). Without a picture,
// the name is empty: it is only a help.
func (t *Tab) picture(ctx context.Context) string {
	dir := t.browser.options.DebugDir
	if dir == "" || !t.process.alive() {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pictureTimeout)
	defer cancel()
	shot, err := t.shoot(ctx)
	for try := 1; try < shots && errors.Is(err, errChanged); try++ {
		shot, err = t.shoot(ctx)
	}
	if err != nil || os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	name, err := save(dir, shot)
	if err != nil {
		return ""
	}
	return name
}

// save writes a picture into a file of its own, which only its owner may read.
func save(dir string, shot []byte) (string, error) {
	file, err := os.CreateTemp(dir, time.Now().UTC().Format("20060102-150405")+"-*.png")
	if err != nil {
		return "", err
	}
	_, err = file.Write(shot)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return filepath.Clean(file.Name()), nil
}

// errChanged says that the page may have shown something that was not blanked.
var errChanged = errors.New("the page has changed while its picture was taken")

// shoot blanks the page and takes the picture. A page may put another in its place at any time, or show
// more, so it has to be as blank after the picture as before.
func (t *Tab) shoot(ctx context.Context) ([]byte, error) {
	before, err := t.blank(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.hide(ctx); err != nil {
		return nil, err
	}
	var shot []byte
	err = t.run(ctx, func(ctx context.Context) (err error) {
		shot, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
		return err
	})
	if err != nil {
		return nil, err
	}
	after, err := t.blank(ctx)
	if err == nil && (after.Document != before.Document || after.Texts > 0) {
		err = errChanged
	}
	return shot, err
}

// blanked is what has been blanked.
type blanked struct {
	// Document tells documents apart.
	Document string `json:"document"`
	// Texts is how many secrets the text of the page had.
	Texts int `json:"texts"`
}

// blankable are the roles of what may show a secret, or what was typed.
func blankable() []string {
	return []string{"dialog", "alertdialog", "textbox", "searchbox", "combobox", "spinbutton"}
}

// blank keeps from being seen what is typed, dialogs, other pages within this one, and secrets in the
// text. A style does it also for what the page shows from then on.
const blank = `(roles, secrets, pattern) => {
	const kinds = ["input", "textarea", "select", "dialog", "iframe", "object", "embed", "[contenteditable]"];
	for (const role of roles) kinds.push("[role=" + role + "]");
	const blanked = ":is(" + kinds + ")";
	const rule = " { visibility: hidden !important; opacity: 0 !important; transition: none !important; animation: none !important; }";
	const secret = (text) => secrets.some((s) => text.includes(s)) || pattern !== "" && new RegExp(pattern).test(text);
	let texts = 0;
	const go = (root) => {
		const style = new CSSStyleSheet();
		style.replaceSync(blanked + ", " + blanked + " *" + rule);
		root.adoptedStyleSheets.push(style);
		const nodes = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
		for (let node = nodes.nextNode(); node !== null; node = nodes.nextNode()) {
			if (node.shadowRoot) go(node.shadowRoot);
			if (node.nodeType !== Node.TEXT_NODE || !secret(node.data)) continue;
			node.data = "";
			texts++;
		}
	};
	go(document);
	return { document: String(performance.timeOrigin), texts };
}`

func (t *Tab) blank(ctx context.Context) (blanked, error) {
	var pattern string
	if secret := t.visitor.site.Secret; secret != nil {
		pattern = secret.String()
	}
	var arguments []string
	for _, argument := range []any{blankable(), append([]string{}, t.secrets...), pattern} {
		text, err := json.Marshal(argument)
		if err != nil {
			return blanked{}, err
		}
		arguments = append(arguments, string(text))
	}
	var done blanked
	err := t.run(ctx, func(ctx context.Context) (err error) {
		call := "(" + blank + ")(" + strings.Join(arguments, ", ") + ")"
		done, err = chromedp.Run(ctx, chromedp.Evaluate[blanked](call))
		return err
	})
	return done, err
}

// hide blanks what the style of blank does not reach, because the page keeps it apart.
func (t *Tab) hide(ctx context.Context) error {
	const hide = `function() { this.style.setProperty("opacity", "0", "important"); return true }`
	page, err := t.look(ctx)
	if err != nil {
		return err
	}
	return t.run(ctx, func(ctx context.Context) error {
		for _, role := range blankable() {
			for _, e := range page.All(role) {
				if _, err := call[bool](ctx, e, hide); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
