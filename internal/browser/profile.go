package browser

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// Profile is what users have pointed at on the pages of some sites, as saved in a file. It holds no values.
type Profile struct {
	// File is the file's name.
	File  string
	sites map[string]*TaughtElements
}

// profileVersion is the version of the file format.
const profileVersion = 1

// MostProfile is the maximum size of the file, in bytes.
const MostProfile = 64 << 10

// profileFile is the file format.
type profileFile struct {
	Version int                               `json:"version"`
	Sites   map[string]map[string][]Structure `json:"sites"`
}

// NewProfile returns an empty profile.
func NewProfile(file string, tables map[string]Table) *Profile {
	p := &Profile{File: file, sites: map[string]*TaughtElements{}}
	for site := range tables {
		p.sites[site] = &TaughtElements{file: file, known: map[string][]Structure{}}
	}
	return p
}

// ReadProfile reads a file and checks it against the sites' tables.
func ReadProfile(file string, tables map[string]Table) (*Profile, error) {
	in, err := os.Open(file) //nolint:gosec // The user names the file.
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(in, MostProfile+1))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	return ParseProfile(file, data, tables)
}

// ParseProfile is [ReadProfile] for the file's content. Its errors quote only names from it.
func ParseProfile(file string, data []byte, tables map[string]Table) (*Profile, error) {
	if len(data) > MostProfile {
		return nil, fmt.Errorf("it is larger than the limit of %d bytes", MostProfile)
	}
	var read profileFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return nil, explainJSON(err)
	}
	if decoder.More() {
		return nil, errors.New("something follows the end of its JSON object")
	}
	if read.Version != profileVersion {
		return nil, fmt.Errorf("its version is %d, but this version of the provider reads version %d", read.Version, profileVersion)
	}
	p := NewProfile(file, tables)
	for site, taught := range read.Sites {
		table, ok := tables[site]
		if !ok {
			return nil, fmt.Errorf("it has the unknown site %q; the sites are %s", Mask(site), strings.Join(slices.Sorted(maps.Keys(tables)), " and "))
		}
		for label, all := range taught {
			for _, s := range all {
				if err := s.check(label, table); err != nil {
					return nil, fmt.Errorf("%s.%s: %w", site, Mask(label), err)
				}
			}
			p.sites[site].known[label] = all
		}
	}
	return p, nil
}

// explainJSON describes a syntax error of the file. Of its content, it quotes only the name of a key.
func explainJSON(err error) error {
	const unknown = "json: unknown field "
	var wrongType *json.UnmarshalTypeError
	switch name, isUnknown := strings.CutPrefix(err.Error(), unknown); {
	case isUnknown:
		return fmt.Errorf("it has the unknown key %s", Mask(name))
	case errors.As(err, &wrongType):
		return fmt.Errorf("its key %q has a value of the wrong type", wrongType.Field)
	}
	return errors.New("it is not a JSON object that check --teach has written")
}

// Of returns the taught elements of a site; nil if p is nil.
func (p *Profile) Of(site string) *TaughtElements {
	if p == nil {
		return nil
	}
	return p.sites[site]
}

// Len returns the number of taught elements.
func (p *Profile) Len() int {
	n := 0
	for _, taught := range p.sites {
		n += len(taught.all())
	}
	return n
}

// Save writes the profile to its file atomically.
func (p *Profile) Save() error {
	written := profileFile{Version: profileVersion, Sites: map[string]map[string][]Structure{}}
	for site, taught := range p.sites {
		if known := taught.all(); len(known) > 0 {
			written.Sites[site] = known
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(written); err != nil {
		return err
	}
	return wholefile.Write(p.File, filepath.Base(p.File)+".*", text.Bytes())
}

// TaughtElements are what users have pointed at on the pages of one site: by label, the structure of the element. It
// is safe for concurrent use. A nil TaughtElements is empty.
type TaughtElements struct {
	file string

	mu    sync.Mutex
	known map[string][]Structure
}

// of returns the structures of a label's element, which may be on several pages. It returns none if the label
// was not taught.
func (l *TaughtElements) of(label string) []Structure {
	if l == nil || label == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[label]
}

// add adds a new structure, which is searched first.
func (l *TaughtElements) add(label string, s Structure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[label] = append([]Structure{s}, l.known[label]...)
}

func (l *TaughtElements) all() map[string][]Structure {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.known)
}
