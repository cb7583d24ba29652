package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
)

// pictureTimeout bounds what a picture may take of the time that is left for better things.
const pictureTimeout = 5 * time.Second

// blankable are the roles of what may show a secret, or what was typed. Nothing of them is pictured.
func blankable() []string {
	return []string{"dialog", "alertdialog", "textbox", "searchbox", "combobox", "spinbutton"}
}

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
	if err != nil || os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	file, err := os.CreateTemp(dir, fmt.Sprintf("%s-*.png", time.Now().UTC().Format("20060102-150405")))
	if err != nil {
		return ""
	}
	_, err = file.Write(shot)
	if file.Close() != nil || err != nil {
		return ""
	}
	return filepath.Clean(file.Name())
}

// shoot blanks the page and takes the picture.
func (t *Tab) shoot(ctx context.Context) ([]byte, error) {
	page, err := t.look(ctx)
	if err != nil {
		return nil, err
	}
	var shot []byte
	err = t.run(ctx, func(ctx context.Context) error {
		// By their elements, too: what is hidden from the tree of roles is not hidden from a camera.
		const fields = `(() => {
			const typed = "input, textarea, select, dialog, [role=dialog], [role=alertdialog], [contenteditable]";
			for (const outer of document.querySelectorAll(typed))
				for (const e of [outer, ...outer.querySelectorAll("*")]) e.style.setProperty("visibility", "hidden", "important");
			const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
			while (texts.nextNode()) if (/kco_(live|test)_api_/.test(texts.currentNode.data)) texts.currentNode.data = "";
			return true;
		})()`
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fields)); err != nil {
			return err
		}
		for _, role := range blankable() {
			for _, e := range page.All(role) {
				const hide = `function() { this.style.setProperty("visibility", "hidden", "important"); return true }`
				if _, err := call[bool](ctx, e, hide); err != nil {
					return err
				}
			}
		}
		shot, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
		return err
	})
	return shot, err
}
