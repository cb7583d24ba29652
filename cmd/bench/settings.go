package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// settings are the values of the command line.
type settings struct {
	terraform string
	// providers has the binaries, by the provider's name in a way.
	providers map[string]string
	sizes     []int
	latencies []time.Duration
	ways      []way
	runs      int
	once      time.Duration
	out       string
	// noBrowser says that there is no browser for the pages.
	noBrowser bool
}

func parse(args []string, output io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&set.terraform, "tf", "terraform", "the Terraform or OpenTofu `binary`")
	kustom := flags.String("provider", "dist/terraform-provider-kustom", "the provider `binary`")
	noop := flags.String("noop", "dist/terraform-provider-noop", "the `binary` of the provider that does nothing")
	restapi := flags.String("restapi", "", "a `binary` of Mastercard/restapi; without it, that way is left out")
	sizes := flags.String("sizes", "100,300,1000", "`numbers` of shops")
	latencies := flags.String("latencies", "0,30ms", "how `long` the vendors take for each answer")
	ways := flags.String("ways", "", "`names` of the ways to measure; the default is all: "+strings.Join(wayNames(allWays()), ","))
	flags.IntVar(&set.runs, "runs", 3, "how `often` each way is measured")
	flags.DurationVar(&set.once, "once", 2*time.Minute, "a way that takes this `long` at a size is measured there only once")
	flags.StringVar(&set.out, "out", "dist/bench.md", "the Markdown `file` to write")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if set.runs < 1 {
		return settings{}, errors.New("-runs: it must be at least 1")
	}
	var err error
	if set.sizes, err = list(*sizes, size); err != nil {
		return settings{}, fmt.Errorf("-sizes: %w", err)
	}
	if set.latencies, err = list(*latencies, latency); err != nil {
		return settings{}, fmt.Errorf("-latencies: %w", err)
	}
	if set.ways, err = choose(*ways); err != nil {
		return settings{}, fmt.Errorf("-ways: %w", err)
	}
	set.providers = map[string]string{"kustom": *kustom, "noop": *noop, "restapi": *restapi}
	return set, set.find()
}

// list parses a comma-separated list.
func list[T cmp.Ordered](text string, read func(string) (T, error)) ([]T, error) {
	var values []T
	for _, item := range strings.Split(text, ",") {
		value, err := read(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

func size(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number of shops", text)
	}
	return n, nil
}

func latency(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 30ms", text)
	}
	return d, nil
}

// find looks for the binaries of the ways, and makes their paths absolute, because Terraform runs in other
// directories. Only the ways with this project's own providers are mandatory.
func (set *settings) find() error {
	var err error
	if set.terraform, err = find(set.terraform); err != nil {
		return err
	}
	_, missing := browser.Find("", false)
	set.noBrowser = missing != nil
	for _, w := range set.ways {
		binary := set.providers[w.provider]
		if w.provider == "" || (binary == "" && w.optional) {
			continue
		}
		if set.providers[w.provider], err = find(binary); err != nil {
			return err
		}
	}
	return nil
}

func find(binary string) (string, error) {
	path, err := exec.LookPath(binary)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// missing reports whether the way's provider was not given.
func (set settings) missing(w way) bool {
	return w.provider != "" && set.providers[w.provider] == "" || w.pages && set.noBrowser
}

// allSizes returns the numbers of shops with which some way is measured.
func (set settings) allSizes() []int {
	all := slices.Clone(set.sizes)
	if slices.ContainsFunc(set.ways, func(w way) bool { return w.pages }) {
		all = append(all, pagesShops)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// measures reports whether a way is measured with a number of shops.
func (set settings) measures(w way, shops int) bool {
	if w.pages {
		return shops == pagesShops
	}
	return slices.Contains(set.sizes, shops)
}
