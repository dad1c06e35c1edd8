-- lifeguard in Neovim (0.7 or later): sessions in a list, their screens in buffers, prompts from the command line.
-- Copy it to ~/.config/nvim/plugin/lifeguard.lua.
--
--   :Lifeguard                 list the sessions; <CR> opens one, p gives it a prompt, r lists again
--   :LifeguardOpen ID          its screen in a buffer, drawn again as it changes
--   :LifeguardPrompt ID TEXT   submit a prompt; what became of it is said when it is known
--   set statusline+=%{v:lua.lifeguard.status()}   for `2 busy, 1 attention` in the status line
--
-- The socket is $LIFEGUARD_SOCKET, vim.g.lifeguard_socket, or where the daemon puts it by default.

local M = { sessions = {}, screens = {} }
_G.lifeguard = M

-- As docs/protocol.md has it. What is set to nothing is not set.
local function default_socket()
  local function set(name) return vim.env[name] ~= '' and vim.env[name] or nil end
  local socket = vim.g.lifeguard_socket or set('LIFEGUARD_SOCKET')
  if socket then return socket end
  local runtime = set('LIFEGUARD_RUNTIME_DIR') or set('LIFEGUARD_HOME') and set('LIFEGUARD_HOME') .. '/run'
  local xdg = set('XDG_RUNTIME_DIR')
  if not runtime and xdg and vim.fn.isdirectory(xdg) == 1 then runtime = xdg .. '/lifeguard' end
  local state = set('LIFEGUARD_STATE_DIR') or (set('XDG_STATE_HOME') or vim.env.HOME .. '/.local/state') .. '/lifeguard'
  return (runtime or state .. '/run') .. '/lifeguard.sock'
end

local function say(text, level) vim.notify('lifeguard: ' .. text, level or vim.log.levels.INFO) end

-- One connection for all of Neovim; connected again at the next use when the daemon has gone.
local function channel()
  if M.channel and pcall(vim.fn.rpcrequest, M.channel, 'daemon.hello', {}) then return M.channel end
  M.channel = nil
  local ok, ch = pcall(vim.fn.sockconnect, 'pipe', default_socket(), { rpc = 1 })
  if not ok or ch == 0 then error('no daemon answers at ' .. default_socket() .. ': start one with lifeguard daemon --background', 0) end
  -- Neovim rejects notifications it does not know: they come as calls of one that it does.
  vim.fn.rpcrequest(ch, 'daemon.hello', {
    client = 'neovim',
    notify = { method = 'nvim_exec_lua', args = { 'lifeguard.notified(...)' } },
  })
  vim.fn.rpcrequest(ch, 'events.subscribe', {})
  M.channel = ch
  M.sessions = {}
  for _, session in ipairs(vim.fn.rpcrequest(ch, 'session.list', {}).sessions) do M.sessions[session.id] = session end
  return ch
end

-- The answer, or nil after saying what was refused.
function M.call(method, params)
  local ok, answer = pcall(function() return vim.fn.rpcrequest(channel(), method, params or {}) end)
  if ok then return answer end
  say((tostring(answer):gsub('^.-([A-Z_]+: )', '%1')), vim.log.levels.ERROR)
end

local function set_lines(buffer, lines)
  vim.api.nvim_buf_set_option(buffer, 'modifiable', true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.api.nvim_buf_set_option(buffer, 'modifiable', false)
end

local function scratch(name)
  local buffer = vim.fn.bufnr('^' .. vim.fn.escape(name, '[]') .. '$')
  if buffer == -1 then
    buffer = vim.api.nvim_create_buf(true, true)
    vim.api.nvim_buf_set_name(buffer, name)
    vim.api.nvim_buf_set_option(buffer, 'bufhidden', 'hide')
  end
  vim.api.nvim_set_current_buf(buffer)
  return buffer
end

local function sorted()
  local all = vim.tbl_values(M.sessions)
  table.sort(all, function(a, b) return tonumber(a.id:sub(6)) < tonumber(b.id:sub(6)) end)
  return all
end

local function draw_list()
  if not (M.list_buffer and vim.api.nvim_buf_is_loaded(M.list_buffer)) then return end
  local lines = {}
  for _, session in ipairs(sorted()) do
    table.insert(lines, string.format('%-8s %-10s %-16s %s', session.id, session.state, session.name, session.title or ''))
  end
  set_lines(M.list_buffer, #lines > 0 and lines or { 'no sessions: start one with lifeguard new' })
end

function M.list()
  if not pcall(channel) then return M.call('session.list') end
  M.list_buffer = scratch('lifeguard://sessions')
  draw_list()
  local function on_line(run)
    return function()
      local id = vim.api.nvim_get_current_line():match('^sess_%d+')
      if id then run(id) end
    end
  end
  vim.keymap.set('n', '<CR>', on_line(M.open), { buffer = M.list_buffer })
  vim.keymap.set('n', 'r', M.list, { buffer = M.list_buffer })
  vim.keymap.set('n', 'p', on_line(function(id)
    vim.ui.input({ prompt = 'prompt for ' .. id .. ': ' }, function(text) if text and text ~= '' then M.prompt(id, text) end end)
  end), { buffer = M.list_buffer })
end

local function draw_screen(id)
  local open = M.screens[id]
  if not open then return end
  open.pending = false
  if not vim.api.nvim_buf_is_loaded(open.buffer) then
    M.call('session.unwatch', { watch = open.watch })
    M.screens[id] = nil
    return
  end
  local screen = M.call('session.screen', { id = id })
  if screen then set_lines(open.buffer, vim.split(screen.text, '\n')) end
end

-- Many chunks of output make one drawing: at most ten a second.
local function screen_changed(id)
  local open = M.screens[id]
  if not open or open.pending then return end
  open.pending = true
  vim.defer_fn(function() draw_screen(id) end, 100)
end

function M.open(id)
  local session = M.call('session.get', { id = id })
  if not session then return end
  local buffer = scratch('lifeguard://' .. session.id)
  if not M.screens[session.id] then
    local watch = M.call('session.watch', { id = session.id })
    if not watch then return end
    M.screens[session.id] = { buffer = buffer, watch = watch.watch, pending = false }
  end
  draw_screen(session.id)
end

function M.prompt(id, text)
  local answer = M.call('session.prompt', { id = id, text = text })
  if answer then say(id .. ': ' .. answer.delivery) end
  return answer
end

-- `2 busy, 1 attention`: those that matter, in the order in which they do.
function M.status()
  local count = {}
  for _, session in pairs(M.sessions) do count[session.state] = (count[session.state] or 0) + 1 end
  local words = {}
  for _, state in ipairs({ 'attention', 'error', 'busy', 'idle' }) do
    if count[state] then table.insert(words, count[state] .. ' ' .. state) end
  end
  return table.concat(words, ', ')
end

local changes = {
  ['session.created'] = function(event) M.sessions[event.session] = event.summary end,
  ['session.state'] = function(event)
    local session = M.sessions[event.session]
    if not session then return end
    session.state = event.to
    if event.to == 'attention' or event.to == 'error' then say(session.name .. ': ' .. event.to, vim.log.levels.WARN) end
  end,
  ['session.title'] = function(event) if M.sessions[event.session] then M.sessions[event.session].title = event.title end end,
  ['session.renamed'] = function(event) if M.sessions[event.session] then M.sessions[event.session].name = event.to end end,
  ['session.exited'] = function(event) if not event.restarting then M.sessions[event.session] = nil end end,
  ['session.removed'] = function(event) M.sessions[event.session] = nil end,
}

function M.notified(name, params)
  if name == 'session.output' or name == 'session.resized' or name == 'session.gap' then
    screen_changed(params.id)
  elseif name == 'session.closed' then
    -- Its last screen stays in the buffer.
    vim.schedule(function()
      draw_screen(params.id)
      M.screens[params.id] = nil
    end)
  elseif name == 'events.gap' then
    -- Events were lost: what is known is not to be trusted. The next use connects and lists again.
    M.channel = nil
  elseif name == 'event' and changes[params.kind] then
    changes[params.kind](params)
    vim.schedule(draw_list)
    vim.cmd('redrawstatus!')
  end
end

local function complete_ids() return vim.tbl_map(function(session) return session.name end, sorted()) end

vim.api.nvim_create_user_command('Lifeguard', M.list, {})
vim.api.nvim_create_user_command('LifeguardOpen', function(a) M.open(a.args) end, { nargs = 1, complete = complete_ids })
vim.api.nvim_create_user_command('LifeguardPrompt', function(a)
  local id, text = a.args:match('^(%S+)%s+(.+)$')
  if not id then return say('an id and a text: :LifeguardPrompt ID TEXT', vim.log.levels.ERROR) end
  M.prompt(id, text)
end, { nargs = '+', complete = complete_ids })
