package histories_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// killableServer is a provider's server that stops answering when its run is killed.
type killableServer struct {
	tfdriver.Server
	run *run
}

func (m killableServer) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return unlessKilled(ctx, m.run, req, m.Server.ReadResource)
}

func (m killableServer) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	return unlessKilled(ctx, m.run, req, m.Server.ImportResourceState)
}

func (m killableServer) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return unlessKilled(ctx, m.run, req, m.Server.PlanResourceChange)
}

func (m killableServer) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	m.run.applying.Store(req.TypeName)
	return unlessKilled(ctx, m.run, req, m.Server.ApplyResourceChange)
}

func unlessKilled[Request, Response any](ctx context.Context, r *run, req Request, call func(context.Context, Request) (Response, error)) (Response, error) {
	var none Response
	if r.isKilled() {
		return none, errKilled
	}
	resp, err := call(ctx, req)
	if r.isKilled() {
		return none, errKilled
	}
	return resp, err
}

// faultTransport passes a run's requests to the sandbox, without a network, and injects the run's fault.
type faultTransport struct {
	run *run
	// sees has the shops for which the provider configuration has a token.
	sees map[string]bool
}

func (c faultTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	defer func() {
		if req.Body != nil {
			_ = req.Body.Close()
		}
	}()
	number, write := c.run.count(req)
	c.run.yieldBefore(req, number)
	if req.Method != http.MethodDelete {
		c.run.suspension.RLock()
		defer c.run.suspension.RUnlock()
	}
	if c.run.isKilled() {
		return nil, errKilled
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	t := c.run.fault
	switch t.kind {
	case killAtRequest:
		if number == t.at {
			return nil, c.run.kill()
		}
	case failReads:
		if write < 0 && number >= t.at && strings.Contains(req.URL.Path, "/"+shopNames[t.shop]+"/") {
			return answer(req, http.StatusInternalServerError), nil
		}
	}
	if write < 0 {
		return c.read(req)
	}
	return c.write(req, write)
}

// applyingType returns the type of the object that the run is applying, or an empty string.
func (r *run) applyingType() string {
	typeName, _ := r.applying.Load().(string)
	return typeName
}

// count numbers all requests and, separately, those that change something. Other requests have the write number -1.
func (r *run) count(req *http.Request) (number, write int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	number, write = r.requests, -1
	r.requests++
	if req.Method != http.MethodGet {
		write = r.writes
		r.writes++
	}
	return number, write
}

// yieldBefore calls onYield, once, before the request at which another run takes over. It skips deletions, because nobody can
// prevent changes between the last read and the deletion. It also skips the time between a pair's proof and
// installation: the pair has no other key for the shop if somebody deletes this one.
func (r *run) yieldBefore(req *http.Request, number int) {
	if number >= r.yieldAt && req.Method != http.MethodDelete && r.applyingType() != shopType {
		r.yield()
	}
}

// yield calls onYield, once.
func (r *run) yield() {
	r.mu.Lock()
	onYield := r.onYield
	r.onYield = nil
	r.mu.Unlock()
	if onYield != nil {
		r.suspend(onYield)
	}
}

// suspend blocks the run's other requests until f returns. Otherwise they could come between another run's last
// read and its deletion. The run's own deletion, which follows its last read, continues.
func (r *run) suspend(f func()) {
	r.suspension.Lock()
	defer r.suspension.Unlock()
	f()
}

func (c faultTransport) write(req *http.Request, write int) (*http.Response, error) {
	t := c.run.fault
	due := write == t.at
	switch {
	case t.kind == killBefore && due:
		return nil, c.run.kill()
	case t.kind == dropWrite && due:
		return nil, io.ErrUnexpectedEOF
	case t.kind == failWrites && write >= t.at:
		return answer(req, http.StatusInternalServerError), nil
	case t.kind == truncateResponse && due && req.Method == http.MethodDelete:
		// This answer does not come from the portal, so nothing was done.
		resp := answer(req, http.StatusOK)
		resp.Body = io.NopCloser(strings.NewReader(`{"deleted": `))
		return resp, nil
	}
	resp, err := c.run.env.change(c, req)
	switch {
	case t.kind == killAfter && due:
		return nil, c.run.kill()
	case t.kind == loseResponse && due:
		return nil, io.ErrUnexpectedEOF
	case t.kind == truncateResponse && due && err == nil:
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(body[:len(body)/2]))
	}
	return resp, err
}

func (c faultTransport) read(req *http.Request) (*http.Response, error) {
	env := c.run.env
	if c.run.fault.kind != staleReads {
		return env.serve(req)
	}
	env.mu.Lock()
	defer env.mu.Unlock()
	if shop := shopOfCredentials(req); shop != "" {
		if body := env.lag.shop(shop, env.clock.Now()); body != nil {
			resp := answer(req, http.StatusOK)
			resp.Header.Set("Content-Type", "application/vnd.api+json")
			resp.Body = io.NopCloser(bytes.NewReader(body))
			return resp, nil
		}
	}
	resp, err := env.serve(req)
	if err == nil && strings.HasSuffix(req.URL.Path, "/api/v1/credentials") && resp.StatusCode == http.StatusOK {
		return env.lag.list(resp, env.clock.Now())
	}
	return resp, err
}

// serve returns the sandbox's answer.
func (env *testEnv) serve(req *http.Request) (*http.Response, error) {
	return sandboxtest.Carrier{To: env.sandbox}.RoundTrip(req)
}

func answer(req *http.Request, status int) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), ContentLength: -1,
	}
}

// shopOfCredentials returns the shop of a request about credentials; empty for other requests.
func shopOfCredentials(req *http.Request) string {
	rest, found := strings.CutPrefix(req.URL.Path, "/mystore/shops/")
	if !found || !strings.HasSuffix(rest, "/credentials") {
		return ""
	}
	shop, _, _ := strings.Cut(rest, "/")
	return shop
}

// change passes on a request that changes something, and records the change.
func (env *testEnv) change(by faultTransport, req *http.Request) (*http.Response, error) {
	env.mu.Lock()
	defer env.mu.Unlock()
	r := by.run
	c := apiChange{workspace: r.workspace, by: r.applyingType(), shop: shopOfCredentials(req)}
	keys := env.keys()
	if c.shop != "" {
		c.before, c.worked = env.shop(c.shop).KustomID, env.works(c.shop) == nil
		env.lag.keepShop(env.shop(c.shop), env.clock.Now())
	}
	if req.Method == http.MethodDelete {
		for _, key := range keys {
			if strings.HasSuffix(req.URL.Path, "/"+key.CredentialID) {
				c.key, c.holders = key.Username, env.holders(key.Username)
				used := key.CreatedAt
				if key.LastUsedAt != nil {
					used = *key.LastUsedAt
				}
				c.idle = env.clock.Now().Sub(used) >= 24*time.Hour
				env.lag.keepKey(key, env.clock.Now())
			}
		}
	}
	resp, err := env.serve(req)
	if err != nil || resp.StatusCode > 299 {
		return resp, err
	}
	env.describe(&c, req, keys)
	env.changes = append(env.changes, c)
	env.logf("  state %d: %s %s %s (shop had %q)", r.workspace, c.what, c.key, c.shop, c.before)
	env.checkChange(by, c)
	return resp, nil
}

func (env *testEnv) describe(c *apiChange, req *http.Request, before map[string]sandbox.Key) {
	switch {
	case c.shop != "":
		c.key, c.what = env.shop(c.shop).KustomID, "install"
		if c.key == "" {
			c.what = "clear"
		}
	case req.Method == http.MethodDelete:
		c.what = "delete"
	case req.Method == http.MethodPost:
		c.what = "generate"
		for username, key := range env.keys() {
			if _, old := before[username]; !old {
				c.key = username
				env.lag.keepNew(key, env.clock.Now())
			}
		}
	}
}

// lagFor is how long Mystore and the portal's list send stale reads after a change.
const lagFor = 20 * time.Second

// lag is the state of a stale replica.
type lag struct {
	shops   map[string][]version
	newKeys map[string]time.Time // by credential ID
	deleted []version
}

// version is a value that was visible until a moment.
type version struct {
	until time.Time
	body  []byte
}

func (l *lag) keepShop(shop sandbox.Shop, now time.Time) {
	attributes := map[string]any{"kustom_id": nil, "secret_set": shop.KustomSecret != "", "updated_at": shop.UpdatedAt}
	if shop.KustomID != "" {
		attributes["kustom_id"] = shop.KustomID
	}
	if l.shops == nil {
		l.shops = map[string][]version{}
	}
	// A map of strings always encodes.
	body, _ := json.Marshal(map[string]any{"data": map[string]any{
		"type": "extension-credentials", "id": sandbox.KlarnaCheckoutV3, "attributes": attributes,
	}})
	l.shops[shop.Name] = append(l.shops[shop.Name], version{now, body})
}

// shop returns a replica's answer about a shop; nil if it is current.
func (l *lag) shop(name string, now time.Time) []byte {
	for _, v := range l.shops[name] {
		if v.until.After(now.Add(-lagFor)) {
			return v.body
		}
	}
	return nil
}

func (l *lag) keepNew(key sandbox.Key, now time.Time) {
	if l.newKeys == nil {
		l.newKeys = map[string]time.Time{}
	}
	l.newKeys[key.CredentialID] = now
}

func (l *lag) keepKey(key sandbox.Key, now time.Time) {
	// Strings and times always encode.
	body, _ := json.Marshal(map[string]any{
		"credential_id": key.CredentialID, "merchant_id": key.MerchantID, "username": key.Username,
		"description": key.Description, "environment": "live", "host": key.Host, "status": sandbox.StatusActive,
		"created_at": key.CreatedAt, "created_by": key.CreatedBy, "last_used_at": key.LastUsedAt,
	})
	l.deleted = append(l.deleted, version{now, body})
}

// list turns the portal's list of keys into that of a replica.
func (l *lag) list(resp *http.Response, now time.Time) (*http.Response, error) {
	var body struct {
		Credentials []json.RawMessage `json:"credentials"`
		NextCursor  *string           `json:"next_cursor"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return nil, err
	}
	asked := resp.Request.URL.Query().Get("merchant_id")
	id := func(raw json.RawMessage) (credentialID, merchantID string) {
		var item struct {
			CredentialID string `json:"credential_id"`
			MerchantID   string `json:"merchant_id"`
		}
		_ = json.Unmarshal(raw, &item) // Both come from the sandbox.
		return item.CredentialID, item.MerchantID
	}
	body.Credentials = slices.DeleteFunc(body.Credentials, func(raw json.RawMessage) bool {
		credentialID, _ := id(raw)
		at, isNew := l.newKeys[credentialID]
		return isNew && at.After(now.Add(-lagFor))
	})
	for _, v := range l.deleted {
		if _, merchantID := id(v.body); v.until.After(now.Add(-lagFor)) && (asked == "" || asked == merchantID) {
			body.Credentials = append(body.Credentials, v.body)
		}
	}
	if body.Credentials == nil {
		body.Credentials = []json.RawMessage{}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	resp.Header.Del("Content-Length")
	return resp, nil
}
