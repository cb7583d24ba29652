package browser

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	// pictureTimeout bounds what a picture may take of the time that is left for better things.
	pictureTimeout = 5 * time.Second
	// shots is how often a picture is taken of a page that changes meanwhile.
	shots = 3
)

// picture takes a picture of the page, if pictures are wanted, and returns the file's name. All text but the
// words that the site is known to use is blanked before, and so is all that was typed: a secret may be
// anywhere, and split over any number of elements (I2). None is taken while the page may show a new secret.
// Without a picture, the name is empty: it is only a help.
func (t *Tab) picture(ctx context.Context) string {
	dir := t.browser.options.DebugDir
	if dir == "" || t.gate.isPrivate() || !t.process.alive() {
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

// shoot blanks the page and takes the picture. A page may put another in its place meanwhile, which is not
// blank.
func (t *Tab) shoot(ctx context.Context) ([]byte, error) {
	words := t.visitor.site.Words.all()
	before, err := script[string](ctx, t, "mask", words)
	if err != nil {
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
	after, err := script[string](ctx, t, "mask", words)
	if err == nil && after != before {
		err = errChanged
	}
	return shot, err
}
