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
	// pictureTimeout bounds the time for a picture.
	pictureTimeout = 5 * time.Second
	// shots is how often a picture is tried of a page that changes meanwhile.
	shots = 3
)

// picture takes a picture of the page, if pictures are configured, and returns the file's name. Before that, it
// blanks all typed text and all words that the site is not known to use, because a secret may be anywhere,
// split over any number of elements (I2). It takes none while the page may show a new secret. Without a
// picture, the name is empty; the picture is only a help.
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

// errChanged says that the page may have shown text that was not blanked.
var errChanged = errors.New("the page changed while the provider took its picture")

// shoot blanks the page and takes the picture. The page may replace an element meanwhile, and the new one is
// not blank.
func (t *Tab) shoot(ctx context.Context) ([]byte, error) {
	words := t.account.site.Words.all()
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
